import unittest

import torch

from leaf_training.lessons import Lesson, Teacher, lessons
from leaf_training.network import build_network


class Counting:
    """Draws batches that are all different, and counts them."""

    def __init__(self):
        self.drawn = 0

    def draw(self):
        self.drawn += 1
        return torch.rand(4, 3, 32, 32) + self.drawn, torch.tensor([0, 1, 2, -1])


class LessonsTest(unittest.TestCase):
    def test_each_batch_is_used_as_often_as_asked(self):
        batches = Counting()
        seen = [int(lesson.pictures.min()) for lesson in lessons(batches, 12, 3, None)]
        self.assertEqual(batches.drawn, 4)
        self.assertEqual(sorted(seen), [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3)
        self.assertEqual(seen[:4], [1, 2, 3, 4])

    def test_used_once_a_batch_is_as_it_was_drawn(self):
        batches = Counting()
        torch.manual_seed(1)
        expected = Counting().draw()[0]
        torch.manual_seed(1)
        self.assertTrue(torch.equal(next(lessons(batches, 3, 1, None)).pictures, expected))

    def test_turning_moves_pixels_and_nothing_else(self):
        lesson = Lesson(torch.rand(2, 3, 8, 8), torch.tensor([3, -1]), torch.rand(2, 5), torch.rand(2))
        for _ in range(20):
            turned = lesson.turned()
            self.assertTrue(torch.equal(turned.pictures.flatten(2).sort(2)[0], lesson.pictures.flatten(2).sort(2)[0]))
            self.assertIs(turned.labels, lesson.labels)
            self.assertIs(turned.logits, lesson.logits)

    def test_the_teacher_sees_its_own_resolution_and_does_not_learn(self):
        teacher = Teacher(build_network("shufflenet_v2_x0_5", 5), side=32)
        before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
        lesson = teacher.explain(torch.rand(3, 3, 64, 64), torch.tensor([0, 1, -1]))
        self.assertEqual(lesson.pictures.shape, (3, 3, 64, 64))
        self.assertEqual(lesson.logits.shape, (3, 5))
        self.assertEqual(lesson.unknown_logit.shape, (3,))
        self.assertFalse(lesson.logits.requires_grad)
        for name, value in teacher.network.state_dict().items():
            self.assertTrue(torch.equal(value, before[name]))


if __name__ == "__main__":
    unittest.main()
