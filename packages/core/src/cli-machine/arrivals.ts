import { SallyportError } from '../base/errors.ts';

/**
 * Those who have come for a machine that does not run yet. While they wait, for their turn or for a place on this host,
 * they can be sent away: whoever ends the machine need not wait until it was started. Once it is being started, they stay.
 */
export interface Arrivals {
  /** `dismissed` aborts when they are sent away; it is to end waiting alone. */
  serve<T>(userId: string, provider: string, serve: (dismissed: AbortSignal) => Promise<T>): Promise<T>;
  /**
   * Sends everybody of this user away: with an error, or to the end of the line, where they are served again. Returns
   * whether there was anybody.
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

/** Nobody sees it: it only comes back to where it began. */
const again = new SallyportError('MACHINE_BUSY', 'The machine is needed for something else first.');
