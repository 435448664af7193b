import { createServer } from "node:net";
import { type Finding, findingsOf } from "./finding.ts";

/** Whether the server can listen: binds for a moment. */
export async function checkPort(host: string, port: number): Promise<Finding[]> {
  const { ok, fail } = findingsOf("port");
  if (port === 0) return [ok("a free one is taken")];
  const code = await bind(host, port);
  const where = `${host}:${port}`;
  switch (code) {
    case null:
      return [ok(`${where} is free`)];
    case "EADDRINUSE":
      return [fail(`${where} is taken`, "Stop who listens there (ss -ltnp), or set PORT.")];
    case "EACCES":
      return [fail(`${where} may not be bound by this user`, "Set PORT to 1024 or more; a proxy takes 443.")];
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return [
        fail(`this machine has no address ${host}`, "Set HOST to an address of this machine, or 0.0.0.0."),
      ];
    default:
      return [fail(`${where} cannot be bound: ${code}`, "Set HOST and PORT.")];
  }
}

function bind(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
