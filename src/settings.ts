import { IMAGES_SETTINGS } from "./settings/images.ts";
import { OBSERVATION_SETTINGS } from "./settings/observation.ts";
import { PROCESSES_SETTINGS } from "./settings/processes.ts";
import { RECORDS_SETTINGS } from "./settings/records.ts";
import { REQUESTS_SETTINGS } from "./settings/requests.ts";
import { SERVER_SETTINGS } from "./settings/server.ts";
import type { Setting } from "./settings/setting.ts";

export type { Setting } from "./settings/setting.ts";

/**
 * Every setting, declared once: name, type, unit, bounds, default, meaning. `config.ts` reads the environment
 * by this table, refuses what does not fit, and the README's table is generated from it.
 */
export const SETTINGS = {
  ...SERVER_SETTINGS,
  ...PROCESSES_SETTINGS,
  ...IMAGES_SETTINGS,
  ...REQUESTS_SETTINGS,
  ...RECORDS_SETTINGS,
  ...OBSERVATION_SETTINGS,
} satisfies Record<string, Setting>;

export type SettingKey = keyof typeof SETTINGS;

type ValueOf<S> = S extends { type: "integer" | "number" }
  ? number
  : S extends { type: "boolean" }
    ? boolean
    : S extends { type: "choice"; choices: readonly (infer C)[] }
      ? C
      : S extends { type: "list"; choices: readonly (infer C)[] }
        ? readonly C[]
        : S extends { type: "list" }
          ? readonly string[]
          : string;

/** All settings, read and checked. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> };
