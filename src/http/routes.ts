import { Elysia } from "elysia";
import type { RequestContext } from "./request-context.ts";

/** Where a group of routes begins: an Elysia whose handlers know the `context` that `app.ts` puts there. */
export const routes = () => new Elysia().decorate("context", undefined as unknown as RequestContext);
