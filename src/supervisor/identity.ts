/** Which of the server processes this one is. */
export interface ProcessIdentity {
  /** From 1 to `PINHOLE_PROCESSES`. Number 1 does what is done once on a machine. */
  process: number;
  /** How often it was started again; 0 at the first start. */
  restarts: number;
}

/** The arguments that tell a process who it is; seen in `ps`, too. */
export function identityArguments({ process, restarts }: ProcessIdentity): string[] {
  return [`--process=${process}`, `--restarts=${restarts}`];
}

/** @param argv what `identityArguments` gave, among others */
export function readIdentity(argv: readonly string[]): ProcessIdentity {
  const number = (name: string, otherwise: number) => {
    const found = argv.find((argument) => argument.startsWith(`--${name}=`));
    return found === undefined ? otherwise : Number(found.slice(name.length + 3));
  };
  return { process: number("process", 1), restarts: number("restarts", 0) };
}
