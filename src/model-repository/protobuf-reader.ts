import { Reader } from "protobufjs/minimal";

/** Wire types, https://protobuf.dev/programming-guides/encoding/. */
export const VARINT = 0;
export const LENGTH_DELIMITED = 2;

/** What to do with one field: true when it was read, false to have it stepped over. */
export type Field = (field: number, wireType: number) => boolean;

/** Messages within messages; a graph within a graph costs four, and real ones nest two or three deep. */
const MAX_DEPTH = 100;

/** Walks a protobuf file field by field without building what it does not need. Throws Error where it is damaged. */
export class ProtobufReader {
  readonly #reader: Reader;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#reader = Reader.create(bytes);
  }

  /** The message that the file is. */
  whole(read: Field): void {
    this.#fields(this.#reader.len, read);
  }

  /** A length-delimited message at the reader's place. */
  message(read: Field): void {
    if (++this.#depth > MAX_DEPTH) throw new Error("nested too deep");
    this.#fields(this.#reader.uint32() + this.#reader.pos, read);
    this.#depth--;
  }

  string(): string {
    return this.#reader.string();
  }

  /** A whole number of up to 64 bits; beyond 2^53 not to the last digit. */
  integer(): number {
    return Number(this.#reader.int64());
  }

  #fields(end: number, read: Field): void {
    const reader = this.#reader;
    if (end > reader.len) throw new Error("cut short");
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (!read(tag >>> 3, tag & 7)) reader.skipType(tag & 7);
    }
    if (reader.pos !== end) throw new Error("a field runs past its message");
  }
}
