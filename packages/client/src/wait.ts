/** Resolves after a while; rejects with the signal's reason when it is aborted. */
function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

/**
 * Waits before the nth attempt in a row, from 0: not at all, then twice as long each time, up to 5 s. Up to half of it is left out
 * by chance, so that clients which lost a server together do not come back together.
 */
export function waitToRetry(attempt: number, signal?: AbortSignal): Promise<void> {
  const longest = attempt === 0 ? 0 : Math.min(250 * 2 ** (attempt - 1), 5_000);
  return wait(longest * (0.5 + Math.random() / 2), signal);
}
