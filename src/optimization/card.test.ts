import { expect, test } from "bun:test";
import { modelCard, optimizationText } from "./card.ts";
import { REPORT } from "./report.fixture.ts";
import { summary } from "./summary.ts";

test("a card has the figures, the command, and then what its source's card says", () => {
  const card = modelCard(REPORT, "# leaf\n\n## Train\n\n```sh\n# in the folder\nmake\n```\n");
  expect(card).toStartWith(
    `# leaf 1.0.0-int8\n\nQuantised to int8 from \`leaf/1.0.0\` (sha256 \`${"a".repeat(64)}\`).`,
  );
  expect(card).toContain("| ms for a photograph, one core | 74.51 | 29.70 (2.51 times as fast) |");
  expect(card).toContain("| same answer |  | 99.00% (99 of 100) |");
  expect(card).toContain("| top-1 | 98.00% (98 of 100) | 97.00% (97 of 100) |");
  expect(card).toContain("| int8, entropy (verified) | 1 | 100.00% | 1.0e-3 | 2.51 |");
  expect(card).toContain("| 2 workers of 1 thread | 66.0 photographs/s | chosen |");
  expect(card).toContain("```sh\nbun run models:optimize leaf --images photos\n```");
  expect(card).toEndWith("### leaf\n\n#### Train\n\n```sh\n# in the folder\nmake\n```\n");
  expect(modelCard(REPORT, null)).not.toContain("The card of");
});

test("what was refused says why, in the documents and at the terminal", () => {
  const refused = { ...REPORT, written: false, refusals: ["it is slow", "it differs"], execution: null };
  expect(optimizationText(refused)).toContain("**Refused**: it is slow; it differs.");
  expect(optimizationText(refused)).not.toContain("How it is run");
  expect(summary(refused, null)).toEndWith("Refused: it is slow; it differs. Nothing was written.");
});

test("whoever makes what will be served unasked is told so", () => {
  const folder = "/models/leaf/1.0.0-int8";
  expect(summary(REPORT, { folder, isNewest: false })).toContain("PINHOLE_MODEL_DEFAULT=leaf/1.0.0-int8");
  expect(summary(REPORT, { folder, isNewest: true })).toContain("answers whoever names no version");
});
