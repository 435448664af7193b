import unittest

import torch

from leaf_training.network import BACKBONES, build_network


class FreezeTest(unittest.TestCase):
    def test_what_is_frozen_learns_nothing_and_the_rest_does(self):
        for backbone in BACKBONES:
            with self.subTest(backbone=backbone):
                torch.manual_seed(0)
                network = build_network(backbone, 3)
                network.freeze(2)
                network.train()
                before = {name: value.clone() for name, value in network.state_dict().items()}
                logits, unknown, _ = network(torch.rand(4, 3, 64, 64))
                (logits.square().sum() + unknown.square().sum()).backward()
                learning = [p for p in network.parameters() if p.requires_grad]
                self.assertTrue(all(p.grad is not None for p in learning))
                torch.optim.SGD(learning, lr=0.1).step()
                stages = network.backbone.stages[:2]
                frozen = {id(value) for stage in stages for value in stage.state_dict(keep_vars=True).values()}
                self.assertTrue(frozen)
                for name, value in network.state_dict(keep_vars=True).items():
                    if id(value) in frozen:
                        self.assertTrue(torch.equal(value, before[name]), name)
                self.assertFalse(torch.equal(network.classifier.weight, before["classifier.weight"]))

    def test_the_stages_are_the_whole_backbone(self):
        for backbone in BACKBONES:
            with self.subTest(backbone=backbone):
                network = build_network(backbone, 3).backbone
                in_stages = {id(p) for stage in network.stages for p in stage.parameters()}
                self.assertEqual(in_stages, {id(p) for p in network.parameters()})


if __name__ == "__main__":
    unittest.main()
