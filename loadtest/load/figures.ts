/** Figures as people read them: three digits that count. */

export function ms(value: number): string {
  if (value >= 1000) return `${(value / 1000).toPrecision(3)} s`;
  return `${digits(value)} ms`;
}

export function percent(share: number): string {
  return `${digits(share * 100)}%`;
}

export function rate(perSecond: number): string {
  return digits(perSecond);
}

export function count(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en") : digits(value);
}

export function bytes(value: number): string {
  return `${digits(value / (1024 * 1024))} MiB`;
}

export function duration(seconds: number): string {
  if (seconds < 120) return `${digits(seconds)} s`;
  return seconds % 60 === 0
    ? `${seconds / 60} min`
    : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  if (size >= 10) return value.toFixed(1);
  return size >= 1 ? value.toFixed(2) : value.toFixed(3).replace(/\.?0+$/, "");
}
