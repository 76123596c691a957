/** Work that is done when it is first asked for, and again after it failed. */
export interface Once<Value> {
  (): Promise<Value>;
  /** Waits for what is under way, and lets the next call do the work again. `undefined` if nobody asked, or if it failed. */
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
