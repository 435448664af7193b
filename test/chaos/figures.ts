import { asOperator } from "../system/server.ts";

/** What the server under attack says of itself now. */
export class Figures {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  static async of(url: string): Promise<Figures> {
    const response = await fetch(`${url}/metrics`, { ...asOperator, signal: AbortSignal.timeout(5000) });
    return new Figures(await response.text());
  }

  /** Value of one series, with its labels if it has some. @throws Error where there is none */
  value(series: string): number {
    const line = this.#text.split("\n").find((one) => one.startsWith(`${series} `));
    if (line === undefined) throw new Error(`the server has no metric ${series}`);
    return Number(line.slice(series.length + 1));
  }
}
