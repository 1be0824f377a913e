/**
 * Callbacks that native code calls. An exception thrown inside one is swallowed
 * by koffi and ends the process in node-datachannel, so it is thrown again from
 * the event loop, where it is an ordinary uncaught exception with its stack.
 */

/** Wraps a callback for native code: the result never throws into it. */
export function surfacing<A extends readonly unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
  };
}
