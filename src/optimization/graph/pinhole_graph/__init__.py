"""Graph work of `bun run models:optimize`: one step of it a run, `python -m pinhole_graph STEP job.json`."""
