import exec from "k6/execution";
import type { RefinedResponse } from "k6/http";
import {
  answered,
  answerMs,
  answers,
  cacheHits,
  errors,
  fallbackAnswers,
  hitMs,
  missMs,
  readMs,
  stageMs,
} from "./figures.ts";
import { addAnswer, addAnswerMs } from "./series.ts";

export type Response = RefinedResponse<"text">;

/** What is read of an answer to a prediction; see the API's description. */
export interface PredictAnswer {
  request_id?: string;
  prediction_id?: string;
  model?: { name?: string; version?: string; sha256?: string };
  predictions?: { class_id: string; prob: number }[];
  confidence_status?: string;
  images?: { status: string }[];
  cached?: boolean;
  fallback?: boolean;
}

/** What a scenario asks of a 200 beside what every one must have. */
export type Demand = (answer: PredictAnswer) => boolean;

/** The stations of one answer in four are enough, and cost the load generator a fifth of its time otherwise. */
const TIMED_ONE_IN = 4;

/** Each client names its first few errors; a broken server would otherwise fill the screen. */
const ERRORS_SHOWN = 3;
let shown = 0;

/**
 * Counts the answer to a prediction.
 * @param refusalsExpected whether 429 and 503 are part of the scenario; they must carry Retry-After all the same
 * @param isRight further demands on a 200
 * @returns what it says, or null where it says nothing
 */
export function countPrediction(
  response: Response,
  refusalsExpected: boolean,
  isRight: Demand = () => true,
): PredictAnswer | null {
  const answer = response.status === 200 ? (parsed(response) as PredictAnswer | null) : null;
  if (answer?.fallback === true) fallbackAnswers.add(1);
  const good =
    answer !== null &&
    answer.fallback !== true &&
    Array.isArray(answer.predictions) &&
    answer.predictions.length > 0 &&
    isRight(answer);
  count(response, good, refusalsExpected);
  if (good) {
    answerMs.add(response.timings.duration);
    addAnswerMs(response.timings.duration);
    cacheHits.add(answer.cached === true);
    (answer.cached === true ? hitMs : missMs).add(response.timings.duration);
  }
  if (Math.random() < 1 / TIMED_ONE_IN)
    for (const [stage, ms] of serverTiming(response)) stageMs.get(stage)?.add(ms);
  return answer;
}

/** Counts the answer to anything but a prediction. @param statuses that are right */
export function countRead(response: Response, statuses: readonly number[] = [200]): void {
  const good = statuses.includes(response.status);
  count(response, good, false);
  if (good) readMs.add(response.timings.duration);
}

/** `read;dur=0.4, infer;dur=1.9` -> [["read", 0.4], ["infer", 1.9]], in ms. */
export function serverTiming(response: Response): [stage: string, ms: number][] {
  const header = response.headers["Server-Timing"] || "";
  return Array.from(header.matchAll(/([a-z]+);dur=([\d.]+)/g), ([, stage, ms]) => [stage!, Number(ms)]);
}

function count(response: Response, good: boolean, refusalsExpected: boolean): void {
  const { status } = response;
  const isRefusal = status === 429 || status === 503;
  const kind = status === 429 ? "limited" : status === 503 ? "refused" : good ? "ok" : "failed";
  answers[kind].add(1);
  addAnswer(kind);
  answered.add(good);
  const isError = isRefusal ? !(refusalsExpected && Number(response.headers["Retry-After"]) > 0) : !good;
  errors.add(isError);
  if (isError && shown++ < ERRORS_SHOWN) {
    const said = response.error || String(response.body).slice(0, 300);
    console.error(
      `client ${exec.vu.idInTest}: ${response.request.method} ${response.url}: ${status} ${said}`,
    );
  }
}

function parsed(response: Response): unknown {
  try {
    return response.json();
  } catch {
    return null;
  }
}
