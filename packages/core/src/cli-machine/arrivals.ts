import { SallyportError } from '../base/errors.ts';

/**
 * Requests that wait for a machine that does not run yet. While they wait for their turn or for room on this host,
 * they can be dismissed, so that ending the machine need not wait for its start. Once the machine is starting, they
 * can no longer be dismissed.
 */
export interface Arrivals {
  /** `dismissed` aborts when the request is dismissed. It must only end the waiting. */
  serve<T>(userId: string, provider: string, serve: (dismissed: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Dismisses all requests of this user: with an error, or to the end of the queue, where they are served again.
   * Returns whether there were any.
   */
  dismiss(userId: string, verdict: (provider: string) => SallyportError | 'again'): boolean;
}

interface Arrival {
  readonly userId: string;
  readonly provider: string;
  readonly abort: AbortController;
}

export function createArrivals(): Arrivals {
  const arrivals = new Set<Arrival>();

  async function serveOnce<T>(arrival: Arrival, serve: (dismissed: AbortSignal) => Promise<T>): Promise<T> {
    arrivals.add(arrival);
    try {
      return await serve(arrival.abort.signal);
    } finally {
      arrivals.delete(arrival);
    }
  }

  return {
    serve: async (userId, provider, serve) => {
      for (;;) {
        try {
          return await serveOnce({ userId, provider, abort: new AbortController() }, serve);
        } catch (error) {
          if (error !== again) throw error;
        }
      }
    },
    dismiss: (userId, verdict) => {
      const theirs = [...arrivals].filter((arrival) => arrival.userId === userId);
      for (const { provider, abort } of theirs) {
        const error = verdict(provider);
        abort.abort(error === 'again' ? again : error);
      }
      return theirs.length > 0;
    },
  };
}

/** Never shown to a user: it only sends the request back to the queue. */
const again = new SallyportError('MACHINE_BUSY', 'The machine is needed for something else first.');
