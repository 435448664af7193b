/** Why a task is not run although it was taken: nobody would read its answer. */
export type DropReason = "client_gone" | "deadline";

/** The client left before there was an answer. Nobody is there to be answered: counted, never logged as an error. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";

  constructor() {
    super("The client has gone.");
  }
}
