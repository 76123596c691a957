import { provider as claude } from '@sallyport/provider-claude';
import { provider as codex } from '@sallyport/provider-codex';
import { provider as gemini } from '@sallyport/provider-gemini';
import type { CredentialFiles, Provider } from '@sallyport/core/provider';
import { describe, expect, it } from 'vitest';

import { secretValues } from '../packages/core/src/redaction/secret-values.ts';

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
const id = '0e3b7c1a-3f2d-4b6e-9a51-7d2f4c8b9e10';

const claudeLogin = {
  claudeAiOauth: {
    accessToken: 'sk-ant-oat01-access',
    refreshToken: 'sk-ant-ort01-refresh',
    expiresAt: 1_800_000_000_000,
    scopes: ['user:profile', 'user:inference'],
    subscriptionType: 'max',
    subscriptionTypeSource: 'profile',
    rateLimitTier: 'default_claude_max_5x',
    accountUuid: id,
  },
  mcpOAuth: { 'server|1': { serverUrl: 'https://mcp.example/', accessToken: 'mcp-access-token' } },
};
const codexLogin = {
  auth_mode: 'chatgpt',
  OPENAI_API_KEY: 'sk-exchanged-key',
  tokens: {
    id_token: jwt,
    access_token: `${jwt}a`,
    refresh_token: 'rt-refresh-token',
    oauth_provenance: { issuer: 'https://auth.openai.com', client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
    account_id: id,
  },
  last_refresh: '2026-11-23T10:00:00.000000000Z',
};
const geminiLogin = {
  access_token: 'ya29.access-token',
  refresh_token: '1//refresh-token',
  scope: 'https://www.googleapis.com/auth/cloud-platform openid',
  token_type: 'Bearer',
  id_token: jwt,
  expiry_date: 1_800_000_000_000,
};

describe('what must not be shown of a login', () => {
  it.each<readonly [string, Provider, CredentialFiles, readonly string[]]>([
    [
      'Claude Code',
      claude,
      { auth: JSON.stringify(claudeLogin), settings: JSON.stringify({ oauthAccount: { accountUuid: id } }) },
      ['sk-ant-oat01-access', 'sk-ant-ort01-refresh', 'mcp-access-token'],
    ],
    ['Claude Code by a key', claude, { api_key: 'sk-ant-api03-key' }, ['sk-ant-api03-key']],
    ['Claude Code by a token', claude, { token: 'sk-ant-oat01-token' }, ['sk-ant-oat01-token']],
    ['Codex', codex, { auth: JSON.stringify(codexLogin) }, ['sk-exchanged-key', jwt, `${jwt}a`, 'rt-refresh-token']],
    ['Codex by a key', codex, { api_key: 'sk-proj-key' }, ['sk-proj-key']],
    [
      'Gemini CLI',
      gemini,
      { oauth_creds: JSON.stringify(geminiLogin) },
      ['ya29.access-token', '1//refresh-token', jwt],
    ],
    ['Gemini CLI by a key', gemini, { api_key: 'AIzaSy-key' }, ['AIzaSy-key']],
  ])('of %s are its tokens and keys, and nothing else', (_, { manifest }, files, secrets) => {
    expect([...secretValues(manifest.credentials, files)].toSorted()).toEqual([...secrets].toSorted());
  });
});
