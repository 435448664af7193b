/** What the end of a process says to whoever started it. A code that is not named here, or a signal, is a failure. */
export const EXIT = {
  /** Stopped as it was told, and everything in flight was answered. Of a server that nobody told to: a failure. */
  stopped: 0,
  /** Start me again: it crashed, lost its workers, or had to give up requests while it stopped. */
  failed: 1,
  /** Settings, models or the machine must be mended first (EX_CONFIG of sysexits.h): starting again is of no use. */
  misconfigured: 78,
  /** Told twice to stop, so at once. */
  interrupted: 130,
} as const;
