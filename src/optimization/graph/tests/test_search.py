import json

from pinhole_graph import search
from pinhole_graph.search import Notes

from .case import GraphCase
from .networks import heard, one_that_hurts, photographs


class SearchTest(GraphCase):
    def job(self, **changes):
        outputs = {"logits": "logits", "softmax": False, "unknown_score": None}
        found = {"search": photographs(self.folder, 24, seed=5), "outputs": outputs, "target": 1.0, "min_speedup": 0}
        return self.quantize_job(model=self.folded(one_that_hurts())) | found | changes

    def test_finds_the_layers_that_hurt_and_no_others(self):
        result = search.run(self.job(), heard()[0])
        self.assertEqual(sorted(result["float_nodes"]), ["deaf", "loud"])
        self.assertTrue(result["reached"])
        self.assertEqual(result["agreement"], 1)
        self.assertLess(result["steps"][0]["agreement"], 1)
        self.assertEqual({entry["node"] for entry in result["measured"][:2]}, {"deaf", "loud"})

    def test_a_target_that_is_met_keeps_nothing(self):
        result = search.run(self.job(target=0), heard()[0])
        self.assertEqual((result["float_nodes"], result["reached"]), ([], True))

    def test_stops_where_int8_no_longer_pays(self):
        result = search.run(self.job(min_speedup=1e9), heard()[0])
        self.assertEqual((result["float_nodes"], result["reached"]), ([], False))
        self.assertLess(len(result["steps"]), 4)

    def test_goes_on_where_it_was_cut_off(self):
        job = self.job()
        first = search.run(job, heard()[0])
        (notes,) = self.folder.glob("search-*.jsonl")
        lines = notes.read_text().splitlines()
        notes.write_text("\n".join(lines[:2]) + "\n" + lines[2][:7])
        again = search.run(job, heard()[0])
        self.assertEqual(again["float_nodes"], first["float_nodes"])
        self.assertEqual(notes.read_text().splitlines()[:2], lines[:2])
        self.assertEqual(
            [json.loads(line)[0] for line in notes.read_text().splitlines()], [json.loads(line)[0] for line in lines]
        )

    def test_notes_outlive_whoever_made_them(self):
        path = self.folder / "notes.jsonl"
        Notes(path).add("a", 1)
        path.write_text(path.read_text() + '["half')
        again = Notes(path)
        self.assertEqual((again.get("a"), again.get("half")), (1, None))
        again.add("b", {"x": 2})
        self.assertEqual(Notes(path).get("b"), {"x": 2})
