import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import { mediaType, multipartBoundary, parseMultipart } from "./multipart.ts";

const limits = { maxParts: 4, maxHeaderBytes: 512 };
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const part = (headers: string, content: string, boundary = "b") =>
  `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`;
const file = (name: string, content: string, more = "") =>
  part(`Content-Disposition: form-data; name="${name}"${more}`, content);
const parse = (text: string, boundary = "b") =>
  parseMultipart(bytes(text), boundary, limits).map((p) => ({
    ...p,
    bytes: Buffer.from(p.bytes).toString("latin1"),
  }));

function refusal(text: string, boundary = "b"): string {
  try {
    parse(text, boundary);
  } catch (error) {
    if (error instanceof PinholeError && error.code === "INVALID_REQUEST") return error.detail;
    throw error;
  }
  return "taken";
}

describe("multipart bodies", () => {
  test("what the platform's own FormData writes is read back, byte for byte", async () => {
    const form = new FormData();
    const noise = crypto.getRandomValues(new Uint8Array(70_000));
    form.append("files", new File([noise], 'le"af\\ ü.jpg', { type: "image/jpeg" }));
    form.append("files", new File([], "empty.png"));
    form.append("note", "a\r\n--b\r\nc");
    const response = new Response(form);
    const boundary = multipartBoundary(response.headers.get("content-type"))!;
    const parts = parseMultipart(new Uint8Array(await response.arrayBuffer()), boundary, limits);
    expect(parts.map((p) => [p.name, p.contentType, p.bytes.length])).toEqual([
      ["files", "image/jpeg", 70_000],
      ["files", "application/octet-stream", 0],
      ["note", null, 9],
    ]);
    expect(parts[0]!.bytes).toEqual(noise);
    expect(parts[0]!.filename).toContain("af\\ ü.jpg");
  });

  test("preamble, epilogue, padding and a part without content", () => {
    const body = `hello\r\n--b \t\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--b--\r\nbye --b`;
    expect(parse(body)).toEqual([{ name: "x", filename: null, contentType: null, bytes: "" }]);
  });

  test("content that looks like a boundary is content", () => {
    expect(parse(`${file("x", "x--b\r\n-b\r\n--")}--b--`)[0]!.bytes).toBe("x--b\r\n-b\r\n--");
  });

  test("an extended file name wins, a broken one does not", () => {
    const names = parse(
      `${file("x", "", `; filename="a.jpg"; filename*=UTF-8''%c3%bc.jpg`)}${file("x", "", `; filename="a.jpg"; filename*=UTF-8''%c3`)}--b--`,
    ).map((p) => p.filename);
    expect(names).toEqual(["ü.jpg", "a.jpg"]);
  });

  test.each([
    ["", "does not occur"],
    ["--c\r\n", "does not occur"],
    ["--b", "not followed by a line break"],
    ["--bx\r\n", "not followed by a line break"],
    ["--b\r\nContent-Disposition: form-data; name=x", "headers do not end"],
    [file("x", "cut"), "no closing boundary"],
    [`--b\r\nA: ${"y".repeat(600)}\r\n\r\n\r\n--b--`, "headers do not end within 512 bytes"],
    [`${part("Content-Type: image/png", "")}--b--`, "no content-disposition"],
    [`${part("Content-Disposition: form-data", "")}--b--`, "has no name"],
    [
      `${part("Content-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: base64", "")}--b--`,
      "encoding",
    ],
    [`${file("x", "1").repeat(5)}--b--`, "more than 4 parts"],
  ])("refuses %j", (body, why) => expect(refusal(body)).toContain(why));

  test("sixty thousand parts are refused after the first few", () => {
    expect(refusal(`${file("x", "").repeat(60_000)}--b--`)).toContain("more than 4 parts");
  });

  test("every truncation is refused, never read as whole", () => {
    const whole = `${file("file", "0123456789", '; filename="a.jpg"')}--b--`;
    for (let length = 0; length < whole.length; length++)
      expect(refusal(whole.slice(0, length))).not.toBe("taken");
    expect(refusal(whole)).toBe("taken");
  });

  test("boundary and media type of a header value", () => {
    expect(multipartBoundary('Multipart/Form-Data; charset=x; boundary="a b;c"')).toBe("a b;c");
    expect(multipartBoundary("image/jpeg")).toBeNull();
    expect(multipartBoundary(null)).toBeNull();
    expect(() => multipartBoundary("multipart/form-data")).toThrow("boundary");
    expect(() => multipartBoundary(`multipart/form-data; boundary=${"x".repeat(71)}`)).toThrow("boundary");
    expect(mediaType(" Image/JPEG ; q=1")).toBe("image/jpeg");
    expect(mediaType("")).toBeNull();
  });
});
