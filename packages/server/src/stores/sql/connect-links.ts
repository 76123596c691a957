import { storableText } from '@sallyport/core/store';
import type { ConnectLinkRecord, ConnectLinkStore } from '@sallyport/core/store';

import type { Row, StoreDatabase } from './database.ts';
import { dateFrom } from './json.ts';
import { only } from './only.ts';

export function createConnectLinkStore(database: StoreDatabase): ConnectLinkStore {
  return {
    create: async ({ linkId, userId, externalId, provider, replace, returnUrl, state, tokenSha256, lifetimeMs }) =>
      toRecord(
        only(
          await database.write('create_connect_link', {
            p_link_id: linkId,
            p_user_id: userId,
            p_external_id: externalId === null ? null : storableText(externalId),
            p_provider: provider,
            p_replace: replace,
            p_return_url: returnUrl,
            p_state: state === null ? null : storableText(state),
            p_token_sha256: tokenSha256,
            p_lifetime_ms: lifetimeMs,
          }),
        ),
      ),
    open: async (tokenSha256, browserSha256, lifetimeMs) => {
      const rows = await database.write('open_connect_link', {
        p_token_sha256: tokenSha256,
        p_browser_sha256: browserSha256,
        p_lifetime_ms: lifetimeMs,
      });
      return rows?.map(toRecord)[0];
    },
    ofBrowser: async (browserSha256) =>
      (await database.read('get_connect_link', { p_browser_sha256: browserSha256 }))?.map(toRecord)[0],
    setSession: async (linkId, expected, sessionId) =>
      (await database.write('set_connect_link_session', {
        p_link_id: linkId,
        p_expected: expected,
        p_session_id: sessionId,
      })) ?? false,
    setCode: async (linkId, codeSha256, lifetimeMs) =>
      (await database.write('set_connect_link_code', {
        p_link_id: linkId,
        p_code_sha256: codeSha256,
        p_lifetime_ms: lifetimeMs,
      })) ?? false,
    spend: async (codeSha256) =>
      (await database.write('spend_connect_link', { p_code_sha256: codeSha256 }))?.map(toRecord)[0],
    list: async (which) => {
      const filter = 'userId' in which ? { p_user_id: which.userId } : { p_limit: which.limit };
      return ((await database.read('list_connect_links', filter)) ?? []).map(toRecord);
    },
    remove: async (linkId) => {
      await database.write('remove_connect_link', { p_link_id: linkId });
    },
  };
}

function toRecord(row: Row<'connect_links'>): ConnectLinkRecord {
  return {
    linkId: row.link_id,
    userId: row.user_id,
    externalId: row.external_id,
    provider: row.provider,
    replace: row.replace,
    returnUrl: row.return_url,
    state: row.state,
    sessionId: row.session_id,
    expiresAt: dateFrom(row.expires_at),
  };
}
