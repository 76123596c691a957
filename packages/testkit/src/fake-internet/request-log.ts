import { Secret } from '@sallyport/core';

/** One request that reached the fake internet. What may hold a token is wrapped, so that no log prints it. */
export interface LoggedRequest {
  /** From 1, in order of arrival. */
  readonly number: number;
  readonly at: number;
  readonly machineId: string;
  readonly userId: string;
  readonly purpose: string;
  readonly host: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Secret;
  readonly authorization: Secret<string | undefined>;
  /** The first 16 KiB. */
  readonly body: Secret;
  /** `null` while it is being answered, and when the connection broke before an answer. */
  readonly status: number | null;
}

export interface RequestLog {
  /** Returns the function that records the answer's status. */
  add(request: NewRequest): (status: number) => void;
  entries(): readonly LoggedRequest[];
}

export type NewRequest = Omit<LoggedRequest, 'number' | 'query' | 'authorization' | 'body' | 'status'> & {
  readonly query: string;
  readonly authorization: string | undefined;
  readonly body: string;
};

/** Keeps the last `limit` requests. */
export function createRequestLog(limit = 1000): RequestLog {
  const entries: LoggedRequest[] = [];
  let count = 0;
  return {
    add(request) {
      count += 1;
      const number = count;
      entries.push({
        ...request,
        number,
        query: new Secret(request.query),
        authorization: new Secret(request.authorization),
        body: new Secret(request.body.slice(0, 16 * 1024)),
        status: null,
      });
      if (entries.length > limit) entries.shift();
      return (status) => {
        const index = entries.findIndex((entry) => entry.number === number);
        const entry = entries[index];
        if (entry) entries[index] = { ...entry, status };
      };
    },
    entries: () => [...entries],
  };
}
