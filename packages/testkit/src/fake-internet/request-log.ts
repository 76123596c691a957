import { Secret } from '@sallyport/core';

import { createSecretNames } from './secret-names.ts';
import { type SentRequest, showAnswer, showRequest, type ShownRequest } from './shown-request.ts';

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
  /** Query, headers, body and the answer that refused it, to be read and printed, with secrets replaced. */
  readonly shown: ShownRequest;
  /** `null` while it is being answered, and when the connection broke before an answer. */
  readonly status: number | null;
}

export interface RequestLog {
  /** Returns the function that records the answer: its status, and its body if that is to be shown. */
  add(request: NewRequest): RecordAnswer;
  entries(): readonly LoggedRequest[];
}

export type RecordAnswer = (status: number, body?: string) => void;

export type NewRequest = Omit<LoggedRequest, 'number' | 'query' | 'authorization' | 'body' | 'shown' | 'status'> &
  SentRequest;

/** Keeps the last `limit` requests. */
export function createRequestLog(limit = 1000): RequestLog {
  const entries: LoggedRequest[] = [];
  const secrets = createSecretNames();
  let count = 0;
  return {
    add({ query, headers, body, ...request }) {
      count += 1;
      const number = count;
      entries.push({
        ...request,
        number,
        query: new Secret(query),
        authorization: new Secret(headers.authorization),
        body: new Secret(body.slice(0, 16 * 1024)),
        shown: showRequest({ query, headers, body }, secrets),
        status: null,
      });
      if (entries.length > limit) entries.shift();
      return (status, answered) => {
        const index = entries.findIndex((entry) => entry.number === number);
        const entry = entries[index];
        if (!entry) return;
        const shown = answered === undefined ? entry.shown : { ...entry.shown, answer: showAnswer(answered, secrets) };
        entries[index] = { ...entry, shown, status };
      };
    },
    entries: () => [...entries],
  };
}
