const HEADER_BYTES = 128;
const TAG_BYTES = 12;
const MOST_TAGS = 100;
const DESC = 0x64657363; // "desc": the description tag and, in version 2, its type
const MLUC = 0x6d6c7563; // "mluc": multi-localised text, version 4

/** Descriptions under which sRGB itself goes; anything else that merely mentions it may be linear or wide. */
const SRGB_NAMES = /^(sRGB|c2|sRGB built-in|sRGB2014|sRGB v4 ICC preference|sRGB IEC61966-2[.-]1.*)$/i;

/**
 * Whether an ICC profile is sRGB by its own description, so that converting would change nothing.
 *
 * @param profile the profile, or its first part: the description stands near the start of every usual one
 * @see ICC.1:2022, 7.2 to 9.2.41; ICC.1:2001-04, 6.5.17 (textDescriptionType)
 */
export function isSrgbProfile(profile: Uint8Array): boolean {
  const description = profileDescription(profile);
  return description !== null && SRGB_NAMES.test(description);
}

function profileDescription(profile: Uint8Array): string | null {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength);
  if (view.byteLength < HEADER_BYTES + 4) return null;
  const tags = Math.min(view.getUint32(HEADER_BYTES), MOST_TAGS);
  for (let i = 0; i < tags; i++) {
    const tag = HEADER_BYTES + 4 + i * TAG_BYTES;
    if (tag + TAG_BYTES > view.byteLength) return null;
    if (view.getUint32(tag) !== DESC) continue;
    const at = view.getUint32(tag + 4);
    return at + 28 > view.byteLength ? null : descriptionAt(profile, view, at);
  }
  return null;
}

function descriptionAt(profile: Uint8Array, view: DataView, at: number): string | null {
  const type = view.getUint32(at);
  if (type === DESC) {
    const length = view.getUint32(at + 8);
    return clean(String.fromCharCode(...profile.subarray(at + 12, at + 12 + Math.min(length, 100))));
  }
  if (type !== MLUC || view.getUint32(at + 8) === 0) return null;
  const length = Math.min(view.getUint32(at + 20), 200) & ~1;
  const from = at + view.getUint32(at + 24);
  if (from + length > view.byteLength) return null;
  let text = "";
  for (let i = 0; i < length; i += 2) text += String.fromCharCode(view.getUint16(from + i));
  return clean(text);
}

function clean(text: string): string {
  return text.replaceAll("\0", "").trim();
}
