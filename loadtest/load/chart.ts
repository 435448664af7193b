/** One line or one layer: a value for each instant, null where there is none. */
export interface Series {
  name: string;
  /** CSS colour. */
  colour: string;
  values: readonly (number | null)[];
}

export interface Chart {
  title: string;
  /** Lines over each other from one ground, or layers on top of each other. */
  kind: "lines" | "layers";
  /** Instants in seconds, ascending, one for each value. */
  seconds: readonly number[];
  /** Length of the time axis in seconds. */
  duration: number;
  series: readonly Series[];
  format(value: number): string;
  /** Lines across, such as a limit or what was offered. */
  marks?: readonly { name: string; values: number | readonly (number | null)[] }[];
}

/** The plot's own units: SVG stretches them to whatever room there is, so all words stand outside of it. */
const WIDTH = 1000;
const HEIGHT = 300;
/** Time axes of at least so many seconds are in minutes. */
const IN_MINUTES_FROM = 300;

/** A figure of HTML with the plot as inline SVG; readable at every width, values on hover. What is 0 throughout is left out. */
export function chartHtml(whole: Chart): string {
  const [first, ...others] = whole.series;
  const seen = others.filter(({ values }) => values.some((value) => value !== null && value > 0));
  const chart = { ...whole, series: first === undefined ? [] : [first, ...seen] };
  const top = highest(chart);
  const ticks = ticksTo(top);
  const ceiling = ticks.at(-1)!;
  const x = (second: number) => round((Math.min(second, chart.duration) / chart.duration) * WIDTH);
  const y = (value: number) => round(HEIGHT - (Math.min(value, ceiling) / ceiling) * HEIGHT);
  const layers = chart.kind === "layers" ? stacked(chart.series) : chart.series.map(({ values }) => values);
  const shapes = chart.series.map(({ colour }, i) => {
    const points = pointsOf(chart.seconds, layers[i]!);
    if (chart.kind === "lines") return path(points, x, y, `class="line" style="stroke:${colour}"`);
    const ground = i === 0 ? layers[i]!.map(() => 0) : layers[i - 1]!;
    return area(points, pointsOf(chart.seconds, ground), x, y, colour);
  });
  if (chart.kind === "layers") shapes.reverse();
  const marks = (chart.marks ?? []).map(({ values }) => {
    const points =
      typeof values === "number"
        ? [[0, values] as const, [chart.duration, values] as const]
        : pointsOf(chart.seconds, values);
    return path(points, x, y, 'class="mark"');
  });
  const grid = ticks.map((tick) => `<path class="grid" d="M0 ${y(tick)}H${WIDTH}"/>`);
  const [unit, unitName] = chart.duration >= IN_MINUTES_FROM ? [60, "min"] : [1, "s"];
  const time = ticksTo(chart.duration / unit, 6).filter((tick) => tick * unit <= chart.duration);
  return `<figure class="chart">
<figcaption>${escaped(chart.title)}</figcaption>
${legend(chart)}
<div class="plot"><div class="y">${ticks.map((tick) => `<span style="bottom:${share(tick, ceiling)}">${escaped(chart.format(tick))}</span>`).join("")}</div>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${escaped(chart.title)}">${grid.join("")}${shapes.join("")}${marks.join("")}${hover(chart, x)}</svg>
<div class="x">${time.map((tick) => `<span style="left:${share(tick * unit, chart.duration)}">${tick} ${unitName}</span>`).join("")}</div></div>
</figure>`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Round numbers from 0 to the first that is no less than `top`. */
export function ticksTo(top: number, atMost = 4): number[] {
  if (!(top > 0)) return [0, 1];
  const rough = top / atMost;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10]
    .map((factor) => factor * power)
    .find((candidate) => candidate >= rough * 0.999)!;
  const count = Math.ceil((top / step) * 0.999);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

function highest({ kind, series, marks = [] }: Chart): number {
  const own = kind === "layers" ? (stacked(series).at(-1) ?? []) : series.flatMap(({ values }) => values);
  const top = Math.max(0, ...own.map((value) => value ?? 0));
  // A limit far above everything would press the plot flat.
  const near = marks
    .flatMap(({ values }) => values)
    .map((value) => value ?? 0)
    .filter((value) => value <= top * 3);
  return Math.max(top, ...near);
}

function stacked(series: readonly Series[]): number[][] {
  const sums: number[][] = [];
  for (const { values } of series) {
    const below = sums.at(-1);
    sums.push(values.map((value, i) => (value ?? 0) + (below?.[i] ?? 0)));
  }
  return sums;
}

type Point = readonly [second: number, value: number];

function pointsOf(seconds: readonly number[], values: readonly (number | null)[]): Point[] {
  return values.flatMap((value, i) => (value === null ? [] : [[seconds[i]!, value] as const]));
}

type Scale = (value: number) => number;

function path(points: readonly Point[], x: Scale, y: Scale, attributes: string): string {
  if (points.length === 0) return "";
  return `<path ${attributes} d="M${points.map(([second, value]) => `${x(second)} ${y(value)}`).join("L")}"/>`;
}

function area(upper: readonly Point[], lower: readonly Point[], x: Scale, y: Scale, colour: string): string {
  if (upper.length === 0) return "";
  const outline = [...upper, ...lower.toReversed()].map(([second, value]) => `${x(second)} ${y(value)}`);
  return `<path class="layer" style="fill:${colour}" d="M${outline.join("L")}Z"/>`;
}

/** A strip for each instant, that says what stands there. */
function hover({ seconds, series, marks = [], format, duration }: Chart, x: Scale): string {
  const strips = seconds.map((second, i) => {
    const from = i === 0 ? 0 : (seconds[i - 1]! + second) / 2;
    const to = i === seconds.length - 1 ? duration : (second + seconds[i + 1]!) / 2;
    const said = [...series, ...marks].map(({ name, values }) => {
      const value = typeof values === "number" ? values : values[i];
      return `${name}: ${value === null || value === undefined ? "none" : format(value)}`;
    });
    const words = escaped([`${second.toFixed(1)} s`, ...said].join("\n"));
    return `<rect class="strip" x="${x(from)}" y="0" width="${round(x(to) - x(from))}" height="${HEIGHT}"><title>${words}</title></rect>`;
  });
  return strips.join("");
}

function legend({ series, marks = [] }: Chart): string {
  const keys = [
    ...series.map(({ name, colour }) => `<li><i style="background:${colour}"></i>${escaped(name)}</li>`),
    ...marks.map(({ name }) => `<li><i class="dashed"></i>${escaped(name)}</li>`),
  ];
  return `<ul class="legend">${keys.join("")}</ul>`;
}

function share(value: number, whole: number): string {
  return `${round((value / whole) * 100)}%`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
