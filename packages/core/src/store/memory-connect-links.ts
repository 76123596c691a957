import type { ConnectLinkRecord, ConnectLinkStore } from '../contracts/connect-link-store.ts';

interface Row {
  record: ConnectLinkRecord;
  readonly tokenSha256: string;
  browserSha256: string | undefined;
  code: { readonly sha256: string; readonly expires: number } | undefined;
  isSpent: boolean;
}

export function memoryConnectLinks(now: () => number): ConnectLinkStore {
  const rows = new Map<string, Row>();
  const isOver = ({ isSpent, record }: Row): boolean => isSpent || record.expiresAt.getTime() <= now();
  const find = (matches: (row: Row) => boolean): Row | undefined =>
    [...rows.values()].find((row) => !isOver(row) && matches(row));

  return {
    create: async ({ tokenSha256, lifetimeMs, ...link }) => {
      const record = { ...link, sessionId: null, expiresAt: new Date(now() + lifetimeMs) };
      rows.set(link.linkId, { record, tokenSha256, browserSha256: undefined, code: undefined, isSpent: false });
      return structuredClone(record);
    },
    open: async (tokenSha256, browserSha256, lifetimeMs) => {
      const row = find((each) => each.tokenSha256 === tokenSha256 && each.browserSha256 === undefined);
      if (!row) return undefined;
      row.browserSha256 = browserSha256;
      const expiresAt = new Date(Math.max(row.record.expiresAt.getTime(), now() + lifetimeMs));
      row.record = { ...row.record, expiresAt };
      return structuredClone(row.record);
    },
    ofBrowser: async (browserSha256) => structuredClone(find((row) => row.browserSha256 === browserSha256)?.record),
    setSession: async (linkId, expected, sessionId) => {
      const row = find(({ record }) => record.linkId === linkId && record.sessionId === expected);
      if (!row) return false;
      row.record = { ...row.record, sessionId };
      return true;
    },
    setCode: async (linkId, sha256, lifetimeMs) => {
      const row = find(({ record }) => record.linkId === linkId);
      if (!row) return false;
      row.code = { sha256, expires: now() + lifetimeMs };
      return true;
    },
    spend: async (sha256) => {
      const row = find(({ code }) => code !== undefined && code.sha256 === sha256 && code.expires > now());
      if (!row) return undefined;
      row.isSpent = true;
      return structuredClone(row.record);
    },
    list: async (which) => {
      const meant = [...rows.values()].filter((row) =>
        'userId' in which ? row.record.userId === which.userId : isOver(row),
      );
      const records = meant
        .map(({ record }) => record)
        .toSorted((left, right) => left.expiresAt.getTime() - right.expiresAt.getTime());
      return structuredClone(records.slice(0, 'limit' in which ? which.limit : undefined));
    },
    remove: async (linkId) => void rows.delete(linkId),
  };
}
