/** Graph work that cannot be done, in a sentence for the person at the terminal. */
export class GraphToolError extends Error {
  override name = "GraphToolError";
}
