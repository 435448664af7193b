import { expect, test } from "bun:test";
import { pairs, parseDockerfile, words } from "./dockerfile.ts";

test("stages, flags, exec form, continued lines, comments between them", () => {
  const stages = parseDockerfile(`# syntax=docker/dockerfile:1
FROM oven/bun:1 AS packages
run one \\
    # not a part of it
    && two

FROM oven/bun:1
COPY --from=packages --chown=1:1 /a ./b
HEALTHCHECK --interval=1s CMD ["bun", "-e", "f(\`x\`)"]
CMD ["bun"]
`);
  expect(stages.map(({ image, name }) => [image, name])).toEqual([
    ["oven/bun:1", "packages"],
    ["oven/bun:1", ""],
  ]);
  expect(stages[0]!.instructions).toEqual([{ name: "RUN", flags: {}, exec: null, text: "one && two" }]);
  expect(stages[1]!.instructions).toMatchObject([
    { name: "COPY", flags: { from: "packages", chown: "1:1" }, text: "/a ./b" },
    { name: "HEALTHCHECK", flags: { interval: "1s" }, exec: ["bun", "-e", "f(`x`)"] },
    { name: "CMD", exec: ["bun"] },
  ]);
});

test("an instruction before FROM is refused", () => {
  expect(() => parseDockerfile("RUN x\nFROM y")).toThrow("RUN stands before FROM");
});

test("words are split as a shell splits them", () => {
  expect(words(`a "b c" d='e f' "g\\"h"`)).toEqual(["a", "b c", "d=e f", 'g"h']);
});

test("pairs take what is known", () => {
  expect(pairs(`A=1 B="x \${V} y" C`, { V: "2" })).toEqual({ A: "1", B: "x 2 y", C: "" });
});
