import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../evaluation/progress.ts";

/** A piece of the work, given how to say how far it is. */
export type Work<Value> = (tell: (done: number, of: number, what?: string) => void) => Promise<Value>;

export interface CourseOptions {
  /** Ends the work between two steps at the latest. */
  signal: AbortSignal;
  progress: Progress;
  say: (line: string) => void;
}

/**
 * Work in steps whose outcomes are kept in a folder: whoever begins again with the same folder goes on where it
 * stopped. Outcomes are JSON; larger things lie beside them as files.
 */
export class Course {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly #progress: Progress;
  readonly say: (line: string) => void;

  private constructor(folder: string, options: CourseOptions) {
    this.folder = folder;
    this.signal = options.signal;
    this.#progress = options.progress;
    this.say = options.say;
  }

  static async open(folder: string, options: CourseOptions): Promise<Course> {
    await mkdir(folder, { recursive: true });
    return new Course(folder, options);
  }

  /** Says how far it is with what is not a step. */
  readonly tell = (done: number, of: number): void => this.#progress.tell(done, of);

  /** Absolute path of a file of this course. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /**
   * Does a step, or gives what it came to before.
   * @param name of its file; another name for other work
   * @param what for the person who waits
   */
  async step<Value>(name: string, what: string, work: Work<Value>): Promise<Value> {
    this.signal.throwIfAborted();
    const kept = Bun.file(this.path(`${name}.json`));
    if (await kept.exists()) {
      this.say(`${what}: done before`);
      return (await kept.json()) as Value;
    }
    this.say(what);
    this.#progress.begin();
    const value = await work((done, of, part) => this.#progress.tell(done, of, part));
    const written = this.path(`${name}.json.new`);
    await Bun.write(written, JSON.stringify(value));
    await rename(written, this.path(`${name}.json`));
    return value;
  }

  /** Whether there is something to go on with. */
  async isBegun(): Promise<boolean> {
    return (await readdir(this.folder)).some((name) => name.endsWith(".json"));
  }

  /** Nothing is left to go on with. */
  async end(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
