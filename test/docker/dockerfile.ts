/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals: COPY, RUN, ... */
  name: string;
  /** `--from=packages` is `{ from: "packages" }`. */
  flags: Record<string, string>;
  /** The words of the exec form (`["a", "b"]`), otherwise null. */
  exec: string[] | null;
  /** What stands after the flags, continued lines joined. */
  text: string;
}

/** What one FROM begins. */
export interface Stage {
  image: string;
  /** Its name after AS, or "". */
  name: string;
  instructions: Instruction[];
}

/**
 * Reads the part of the Dockerfile language that ours is written in: no heredocs, no ONBUILD, no other escape.
 * Throws where an instruction stands before the first FROM (our images take no build arguments there).
 * Source: https://docs.docker.com/reference/dockerfile/
 */
export function parseDockerfile(source: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of logicalLines(source)) {
    const instruction = parseInstruction(line);
    if (instruction.name === "FROM") {
      const [image, , name = ""] = words(instruction.text);
      stages.push({ image: image!, name, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`${instruction.name} stands before FROM`);
    stage.instructions.push(instruction);
  }
  return stages;
}

/** Words as a shell would split them: by blanks, quotes keep them together. */
export function words(text: string): string[] {
  const found = text.match(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? [];
  return found.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, double?: string, single?: string) =>
      double === undefined ? single! : double.replace(/\\(.)/g, "$1"),
    ),
  );
}

/** The `KEY=value` pairs of ENV, ARG and LABEL, `${NAME}` filled in from `known`. */
export function pairs(text: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const filled = (value: string) => value.replace(/\$\{(\w+)\}/g, (_, name: string) => known[name] ?? "");
  return Object.fromEntries(
    words(text).map((word) => {
      const at = word.indexOf("=");
      return at < 0 ? [word, ""] : [word.slice(0, at), filled(word.slice(at + 1))];
    }),
  );
}

function logicalLines(source: string): string[] {
  const kept = source.split("\n").filter((line) => !/^\s*(#|$)/.test(line));
  return kept
    .join("\n")
    .replace(/\s*\\\n\s*/g, " ")
    .split("\n");
}

function parseInstruction(line: string): Instruction {
  const [, name, rest] = /^\s*(\w+)\s+(.*)$/s.exec(line) ?? [];
  if (name === undefined) throw new Error(`no instruction: ${line}`);
  const flags: Record<string, string> = {};
  const text = rest!
    .replace(/^(?:--[\w-]+=\S+\s+)+/, (all) => {
      for (const flag of all.trim().split(/\s+/)) {
        const at = flag.indexOf("=");
        flags[flag.slice(2, at)] = flag.slice(at + 1);
      }
      return "";
    })
    .trim();
  // HEALTHCHECK and ONBUILD hold an instruction of their own.
  const command = text.replace(/^CMD\s+/, "");
  return {
    name: name.toUpperCase(),
    flags,
    exec: command.startsWith("[") ? JSON.parse(command) : null,
    text,
  };
}
