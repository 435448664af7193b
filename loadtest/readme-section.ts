/**
 * Puts a text between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a README.
 * @throws Error where the markers are not there, once and in order
 */
export function withSection(readme: string, name: string, section: string): string {
  const [first, last] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const begin = readme.indexOf(first);
  const end = readme.indexOf(last);
  if (begin < 0 || end < begin || readme.indexOf(first, begin + 1) >= 0) {
    throw new Error(`the README has no place for the table: ${first} ... ${last}`);
  }
  return `${readme.slice(0, begin + first.length)}\n${section.trim()}\n${readme.slice(end)}`;
}
