/** How long a user waits before the drill takes it that what they wait for never comes. A busy host is many times slower. */
const HANG_LIMIT_MS = 3 * 60_000;

/** Rejects if the work has not ended by the limit. */
export async function endingWork<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HangError()), HANG_LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class HangError extends Error {
  constructor() {
    super(`It has not ended after ${HANG_LIMIT_MS / 60_000} minutes.`);
  }
}
