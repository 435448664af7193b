import { defineConfig } from "drizzle-kit";

/** For `bun run db:generate` only: writes the next migration from the difference to `schema.ts`. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./db/schema.ts",
  out: "./db/migrations",
});
