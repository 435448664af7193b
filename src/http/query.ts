import { PinholeError } from "../errors.ts";

/** One wrong parameter, as it stands in `errors` of VALIDATION_FAILED. */
export interface ParameterMistake {
  path: string;
  expected: string;
  received: string;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

/**
 * Reads query parameters by name, and gathers what is wrong with them until `finish`. A parameter may stand
 * only once, for two values have no right order; parameters that nobody asks for are ignored.
 */
export class QueryReader {
  readonly #parameters: URLSearchParams;
  readonly #mistakes: ParameterMistake[] = [];

  /** @param query without the question mark */
  constructor(query: string) {
    this.#parameters = new URLSearchParams(query);
  }

  text(name: string, isAllowed: (text: string) => boolean, expected: string): string | null {
    return this.#read(name, expected, (text) => (isAllowed(text) ? text : null));
  }

  integer(name: string, min: number, max: number): number | null {
    return this.#read(name, `a whole number ${min} to ${max}`, (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : null;
    });
  }

  number(name: string, min: number, max: number): number | null {
    return this.#read(name, `a number ${min} to ${max}`, (text) => {
      const value = NUMBER.test(text) ? Number(text) : Number.NaN;
      // Adding 0 turns -0 into 0.
      return value >= min && value <= max ? value + 0 : null;
    });
  }

  boolean(name: string): boolean | null {
    return this.#read(name, "true or false", (text) =>
      text === "true" ? true : text === "false" ? false : null,
    );
  }

  /** A header that stands beside them: a whole number from 1 on, however large. @param text null: not sent */
  positiveHeader(name: string, text: string | null): number | null {
    const parse = (digits: string) => (/^\d+$/.test(digits) && Number(digits) > 0 ? Number(digits) : null);
    return this.#judge(name, "a whole number from 1 on", text === null ? [] : [text], parse);
  }

  /** @throws PinholeError VALIDATION_FAILED with all mistakes */
  finish(): void {
    if (this.#mistakes.length > 0) throw invalidParameters(this.#mistakes);
  }

  #read<T>(name: string, expected: string, parse: (text: string) => T | null): T | null {
    return this.#judge(name, expected, this.#parameters.getAll(name), parse);
  }

  #judge<T>(
    name: string,
    expected: string,
    values: readonly string[],
    parse: (text: string) => T | null,
  ): T | null {
    if (values.length === 0) return null;
    const value = values.length === 1 ? parse(values[0]!) : null;
    if (value === null) {
      const received = values.length === 1 ? shown(values[0]!) : `${values.length} values`;
      this.#mistakes.push({
        path: name,
        expected: values.length === 1 ? expected : "one value",
        received,
      });
    }
    return value;
  }
}

export function invalidParameters(mistakes: readonly ParameterMistake[]): PinholeError {
  const [first] = mistakes;
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more, see errors)` : "";
  const detail = `${first!.path}: expected ${first!.expected}, received ${first!.received}${more}.`;
  return new PinholeError("VALIDATION_FAILED", detail, { members: { errors: mistakes } });
}

/** Query of a URL without the question mark and the fragment; "" where there is none. */
export function queryOf(url: string): string {
  const from = url.indexOf("?");
  return from === -1 ? "" : url.slice(from + 1).replace(/#.*$/s, "");
}

const shown = (text: string): string => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
