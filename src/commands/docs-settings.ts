import { join } from "node:path";
import { allowedValues } from "../config.ts";
import { SETTINGS, type Setting } from "../settings.ts";

const BEGIN = "<!-- settings: written by `bun run docs:settings` -->";
const END = "<!-- settings: end -->";
const WRAP_COLUMNS = 100;

const settings: readonly Setting[] = Object.values(SETTINGS);

/** `text` with the table of all settings between its two markers. Throws where there are none. */
export function withSettingsTable(text: string): string {
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`no place for the settings: wanted ${BEGIN} and ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n${settingsTable()}\n${text.slice(to)}`;
}

/** Markdown: name, default, what is allowed, meaning. */
function settingsTable(): string {
  const rows = settings.map((setting) => [
    `\`${setting.name}\``,
    defaultText(setting) === "" ? "" : `\`${defaultText(setting)}\``,
    allowed(setting),
    setting.meaning,
  ]);
  const lines = [["Setting", "Default", "Takes", "Meaning"], ["---", "---", "---", "---"], ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

/** `.env.example`: every setting with its default, commented out, below its meaning. */
export function envExample(): string {
  const head = [
    "Every setting with its default. Copy to `.env` (never committed) and take the `#` off what should differ.",
    "Read in this order, the first that names a setting wins: the process environment,",
    "`.env.<PINHOLE_ENVIRONMENT>`, `.env`. Written by `bun run docs:settings`.",
  ];
  const blocks = settings.map((setting) => [
    ...wrapped(`${setting.meaning} Takes ${allowed(setting)}.`),
    `#${setting.name}=${defaultText(setting)}`,
  ]);
  return `${[head.map((line) => `# ${line}`), ...blocks].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function defaultText(setting: Setting): string {
  return String(setting.default);
}

function allowed(setting: Setting): string {
  const unit = "unit" in setting && setting.unit ? ` (${setting.unit})` : "";
  return `${allowedValues(setting)}${unit}`;
}

function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + 1 + word.length > WRAP_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}

/** The files that are written from the settings, as they should be now. */
export async function settingsDocuments(
  root: string,
): Promise<{ path: string; now: string; wanted: string }[]> {
  const read = async (name: string) => {
    const file = Bun.file(join(root, name));
    return (await file.exists()) ? file.text() : "";
  };
  const readme = await read("README.md");
  return [
    { path: join(root, "README.md"), now: readme, wanted: withSettingsTable(readme) },
    { path: join(root, ".env.example"), now: await read(".env.example"), wanted: envExample() },
  ];
}

if (import.meta.main) {
  const stale = (await settingsDocuments(process.cwd())).filter(({ now, wanted }) => now !== wanted);
  if (process.argv.includes("--check")) {
    for (const { path } of stale) console.error(`${path} is stale: run \`bun run docs:settings\``);
    process.exit(stale.length === 0 ? 0 : 1);
  }
  for (const { path, wanted } of stale) {
    await Bun.write(path, wanted);
    console.log(`wrote ${path}`);
  }
}
