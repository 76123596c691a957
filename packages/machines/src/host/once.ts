/** Runs work on the first call and shares its result. Runs it again after a failure. */
export interface Once<Value> {
  (): Promise<Value>;
  /** Waits for the current run and makes the next call run the work again. `undefined` if none is running or it failed. */
  forget(): Promise<Value | undefined>;
}

export function once<Value>(work: () => Promise<Value>): Once<Value> {
  let result: Promise<Value> | undefined;
  const ask = (): Promise<Value> => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
  const forget = async (): Promise<Value | undefined> => {
    const current = await result?.catch(() => undefined);
    result = undefined;
    return current;
  };
  return Object.assign(ask, { forget });
}
