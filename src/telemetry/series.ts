import type { Metric, Registry } from "prom-client";

type Labels = Readonly<Record<string, string>>;

interface Sample {
  metricName?: string;
  labels: Readonly<Record<string, string | number>>;
  value: number;
}

interface SeriesOptions {
  name: string;
  help: string;
  registry: Registry;
}

/**
 * What `prom-client` asks of a metric. Its own counters and histograms look their labels up, check and hash them each
 * time that something is counted, twenty times a request; here a series is found once and then counts by itself.
 */
abstract class SeriesMetric<S> {
  readonly name: string;
  readonly help: string;
  abstract readonly type: "counter" | "histogram";
  readonly aggregator = "sum";
  readonly #series = new Map<string, { labels: Labels; series: S }>();

  constructor({ name, help, registry }: SeriesOptions) {
    this.name = name;
    this.help = help;
    registry.registerMetric(this as unknown as Metric);
  }

  /** The series of these labels, made at zero and exported from then on. @param labels always in the same order */
  labels(labels: Labels): S {
    const key = Object.values(labels).join("\0");
    let found = this.#series.get(key);
    if (found === undefined) {
      found = { labels, series: this.make() };
      this.#series.set(key, found);
    }
    return found.series;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    const values = [...this.#series.values()].flatMap(({ labels, series }) => this.samples(labels, series));
    return { name, help, type, aggregator, values };
  }

  protected abstract make(): S;
  protected abstract samples(labels: Labels, series: S): Sample[];
}

export class CounterSeries {
  value = 0;

  inc(by = 1): void {
    this.value += by;
  }
}

export class Counter extends SeriesMetric<CounterSeries> {
  readonly type = "counter";

  protected make(): CounterSeries {
    return new CounterSeries();
  }

  protected samples(labels: Labels, { value }: CounterSeries): Sample[] {
    return [{ labels, value }];
  }
}

export class HistogramSeries {
  readonly #bounds: readonly number[];
  /** Not cumulative; the last is that of what lies above all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }
}

export class Histogram extends SeriesMetric<HistogramSeries> {
  readonly type = "histogram";
  readonly #bounds: readonly number[];

  /** @param options.buckets upper bounds, ascending */
  constructor(options: SeriesOptions & { buckets: readonly number[] }) {
    super(options);
    this.#bounds = options.buckets;
  }

  protected make(): HistogramSeries {
    return new HistogramSeries(this.#bounds);
  }

  protected samples(labels: Labels, { counts, sum }: HistogramSeries): Sample[] {
    let count = 0;
    const buckets = Array.from(counts, (inBucket, index) => {
      count += inBucket;
      const le = this.#bounds[index] ?? "+Inf";
      return { metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
