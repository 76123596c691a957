import { describe, expect, it } from 'vitest';

import { guardUrl } from './url-guard.ts';

type Rule = Parameters<typeof guardUrl>[1];
type Callback = Parameters<typeof guardUrl>[2];

const rule: Rule = {
  sources: ['text'],
  hosts: ['auth.openai.com'],
  pathPrefixes: ['/oauth/authorize'],
  require: ['response_type=code', 'client_id=app_EMoamEEZ73f0CkXaXp7hrann', 'redirect_uri', 'code_challenge', 'state'],
};
const callback: Callback = { ports: [1455, 1457], path: '/auth/callback' };

const query =
  'response_type=code&client_id=app_EMoamEEZ73f0CkXaXp7hrann&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback&code_challenge=LFzpnASvP_xP91DQBv_GTm8gaGeQ63SonRn_FlWFiw0&code_challenge_method=S256&state=h3iSm2wsGTfE8ZJjY4QFhWsE6Y08_-229pNPSufZKS8&scope=openid+profile+email+offline_access+api.connectors.read+api.connectors.invoke&id_token_add_organizations=true&codex_cli_simplified_flow=true&originator=codex_cli_rs';
const path = `/oauth/authorize?${query}`;
const good = `https://auth.openai.com${path}`;
const redirect = (uri: string): string => good.replace(/redirect_uri=[^&]*/, `redirect_uri=${encodeURIComponent(uri)}`);

const CHARACTER = /character that no URL may contain/;
const START = /does not start with https/;
const USER = /user name or password/;
const HOST = /^its host is /;
const PLAIN_HOST = /host is not written plainly/;
const PORT = /^it uses port/;
const PLAIN_PATH = /path is not written plainly/;
const HIDDEN = /path hides/;
const SIGN_IN = /not a sign-in path/;
const TWICE = /a parameter twice/;
const LOOPBACK = /not a plain loopback address/;

const hostile: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', START],
  ['no URL', 'sign in here', CHARACTER],
  ['plain http', `http://auth.openai.com${path}`, START],
  ['upper-case scheme', `HTTPS://auth.openai.com${path}`, START],
  ['javascript', 'javascript:alert(1)', START],
  ['data', `data:text/html,${good}`, START],
  ['file', 'file:///etc/passwd', START],
  ['double scheme', `https://https://auth.openai.com${path}`, PLAIN_HOST],
  ['view-source', `view-source:${good}`, START],
  ['one slash', `https:/auth.openai.com${path}`, START],
  ['three slashes', `https:///auth.openai.com${path}`, START],
  ['no slashes', `https:auth.openai.com${path}`, START],
  ['no scheme', `//auth.openai.com${path}`, START],
  ['leading space', ` ${good}`, CHARACTER],
  ['trailing newline', `${good}\n`, CHARACTER],
  ['tab in the scheme', `ht\ttps://auth.openai.com${path}`, CHARACTER],
  ['tab in the host', `https://auth.open\tai.com${path}`, CHARACTER],
  ['newline in the path', `https://auth.openai.com/oauth/\nauthorize?${query}`, CHARACTER],
  ['escape character', `https://auth.openai.com\u001b[31m${path}`, CHARACTER],
  ['NUL', `${good}\0`, CHARACTER],
  ['right-to-left override', `https://auth.openai.com/\u202e${path}`, CHARACTER],
  ['zero-width space in the host', `https://auth.open\u200bai.com${path}`, CHARACTER],
  ['backslash as slash', `https:\\\\auth.openai.com${path}`, CHARACTER],
  ['backslash before @', `https://auth.openai.com\\@evil.example${path}`, CHARACTER],
  ['Cyrillic а', `https://аuth.openai.com${path}`, CHARACTER],
  ['full-width letters', `https://ａuth.openai.com${path}`, CHARACTER],
  ['ideographic full stop', `https://auth。openai。com${path}`, CHARACTER],
  ['angle bracket', `${good}<script>`, CHARACTER],
  ['quote', `${good}"onclick=`, CHARACTER],
  ['punycode homograph', `https://xn--uth-5cd.openai.com${path}`, HOST],
  ['genuine host as user name', `https://auth.openai.com@evil.example${path}`, USER],
  ['user name and password', `https://user:pass@auth.openai.com${path}`, USER],
  ['empty user name', `https://@auth.openai.com${path}`, USER],
  ['encoded @', `https://auth.openai.com%40evil.example${path}`, /not a URL|not written plainly/],
  ['genuine host as prefix', `https://auth.openai.com.evil.example${path}`, HOST],
  ['genuine host as suffix', `https://evil-auth.openai.com${path}`, HOST],
  ['genuine host glued', `https://evilauth.openai.com${path}`, HOST],
  ['parent domain', `https://openai.com${path}`, HOST],
  ['sibling', `https://chat.openai.com${path}`, HOST],
  ['trailing dot', `https://auth.openai.com.${path}`, HOST],
  ['two trailing dots', `https://auth.openai.com..${path}`, /not a URL|host/],
  ['upper-case host', `https://AUTH.openai.com${path}`, PLAIN_HOST],
  ['encoded dot in the host', `https://auth%2eopenai.com${path}`, PLAIN_HOST],
  ['IPv4', `https://127.0.0.1${path}`, HOST],
  ['IPv4 as a number', `https://2130706433${path}`, PLAIN_HOST],
  ['IPv4 in octal', `https://0177.0.0.1${path}`, PLAIN_HOST],
  ['IPv6', `https://[::1]${path}`, HOST],
  ['localhost', `https://localhost${path}`, HOST],
  ['cloud metadata', `https://169.254.169.254${path}`, HOST],
  ['another port', `https://auth.openai.com:8443${path}`, PORT],
  ['port 80', `https://auth.openai.com:80${path}`, PORT],
  ['empty port', `https://auth.openai.com:${path}`, PLAIN_HOST],
  ['port with a zero in front', `https://auth.openai.com:0443${path}`, PLAIN_HOST],
  ['port out of range', `https://auth.openai.com:99999${path}`, /not a URL/],
  ['another path', `https://auth.openai.com/logout?${query}`, SIGN_IN],
  ['no path', `https://auth.openai.com?${query}`, PLAIN_PATH],
  ['prefix inside a segment', `https://auth.openai.com/oauth/authorize-evil?${query}`, SIGN_IN],
  ['path parameter', `https://auth.openai.com/oauth/authorize;x?${query}`, SIGN_IN],
  ['upper-case path', `https://auth.openai.com/OAuth/Authorize?${query}`, SIGN_IN],
  ['parent directory', `https://auth.openai.com/oauth/authorize/../../evil?${query}`, PLAIN_PATH],
  ['way back in', `https://auth.openai.com/evil/../oauth/authorize?${query}`, PLAIN_PATH],
  ['encoded parent directory', `https://auth.openai.com/oauth/authorize/%2e%2e/evil?${query}`, PLAIN_PATH],
  ['encoded slash', `https://auth.openai.com/oauth/authorize/..%2fevil?${query}`, HIDDEN],
  ['encoded backslash', `https://auth.openai.com/oauth/authorize/x%5cevil?${query}`, HIDDEN],
  ['encoded newline in the path', `https://auth.openai.com/oauth/authorize/%0d%0aevil?${query}`, HIDDEN],
  ['double slash', `https://auth.openai.com//oauth/authorize?${query}`, PLAIN_PATH],
  ['broken encoding', `${good}&x=%zz`, /broken percent-encoding/],
  ['fragment', `${good}#access_token=x`, /fragment/],
  ['empty fragment', `${good}#`, /fragment/],
  ['too long', `${good}&x=${'a'.repeat(9000)}`, /longer than 8192/],
  ['no parameters', 'https://auth.openai.com/oauth/authorize', /response_type is missing/],
  ['missing state', good.replace(/&state=[^&]*/, ''), /state is missing/],
  ['empty state', good.replace(/&state=[^&]*/, '&state='), /state is missing/],
  ['state in capitals', good.replace('&state=', '&STATE='), /state is missing/],
  ['missing challenge', good.replace(/&code_challenge=[^&]*/, ''), /code_challenge is missing/],
  ['another client', good.replace('app_EMoam', 'app_Evil'), /client_id has another value/],
  [
    'another response type',
    good.replace('response_type=code', 'response_type=token'),
    /response_type has another value/,
  ],
  ['state twice', `${good}&state=other`, TWICE],
  ['redirect twice', `${good}&redirect_uri=https%3A%2F%2Fevil.example`, TWICE],
  ['unknown parameter twice', `${good}&x=1&x=2`, TWICE],
  ['CRLF in a parameter', `${good}&x=%0d%0aSet-Cookie:a`, /control character/],
  ['NUL in a parameter name', `${good}&x%00=1`, /control character/],
  ['overlong UTF-8 in a parameter', `${good}&x=%c0%af`, /broken text/],
  ['missing redirect', good.replace(/&redirect_uri=[^&]*/, ''), /redirect_uri is missing/],
  ['redirect to a stranger', redirect('https://evil.example/auth/callback'), LOOPBACK],
  ['redirect by https', redirect('https://127.0.0.1:1455/auth/callback'), LOOPBACK],
  ['redirect with a user name', redirect('http://127.0.0.1:1455@evil.example/auth/callback'), LOOPBACK],
  ['redirect to a look-alike', redirect('http://127.0.0.1.evil.example:1455/auth/callback'), LOOPBACK],
  ['redirect to another loopback address', redirect('http://127.0.0.2:1455/auth/callback'), LOOPBACK],
  ['redirect to any address', redirect('http://0.0.0.0:1455/auth/callback'), LOOPBACK],
  ['redirect without a port', redirect('http://127.0.0.1/auth/callback'), LOOPBACK],
  ['redirect to port 22', redirect('http://127.0.0.1:22/auth/callback'), LOOPBACK],
  ['redirect to another port', redirect('http://127.0.0.1:6379/auth/callback'), /uses port 6379/],
  ['redirect to another path', redirect('http://127.0.0.1:1455/cancel'), /another path/],
  ['redirect with a way around', redirect('http://127.0.0.1:1455/auth/../cancel'), /another path/],
  ['redirect with a query', redirect('http://127.0.0.1:1455/auth/callback?next=x'), LOOPBACK],
  ['redirect with a fragment', redirect('http://127.0.0.1:1455/auth/callback#x'), LOOPBACK],
  ['redirect encoded twice', redirect('http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback'), LOOPBACK],
];

const claude = 'client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e';
const google = 'client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';

const genuine: readonly (readonly [string, string, Partial<Rule>, Callback])[] = [
  ['codex login', good, {}, callback],
  ['codex login on its second port', good.replace('1455', '1457'), {}, callback],
  ['codex login with the default port written out', good.replace('.com/', '.com:443/'), {}, callback],
  [
    'codex device code',
    'https://auth.openai.com/codex/device',
    { pathPrefixes: ['/codex/device'], require: [] },
    undefined,
  ],
  [
    'the short link of claude',
    'https://claude.ai/oauth/authorize?z-SZ5sfKgNvFl5p79emrEgmefYik3tSZ2qOL10LPlIB2g',
    { hosts: ['claude.ai'], require: [] },
    undefined,
  ],
  [
    'the long link of claude, to paste a code from',
    'https://claude.com/cai/oauth/authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e&response_type=code&redirect_uri=https%3A%2F%2Fplatform.claude.com%2Foauth%2Fcode%2Fcallback&scope=org%3Acreate_api_key+user%3Aprofile+user%3Ainference+user%3Asessions%3Aclaude_code+user%3Amcp_servers+user%3Afile_upload+user%3Aplugins+user%3Aprivacy_consents%3Awrite+org%3Adesktop_config&code_challenge=WTA3tNSEPu3o1mKGokl-Po1bmZxbIijxq-XBzQ4D-ps&code_challenge_method=S256&state=HSGipaq0pGkeSmWPXaX14gDYmfaf9v9xZmVAm5MTBD4',
    {
      hosts: ['claude.com'],
      pathPrefixes: ['/cai/oauth/authorize'],
      require: [claude, 'redirect_uri=https://platform.claude.com/oauth/code/callback', 'state'],
    },
    undefined,
  ],
  [
    'the link claude gives its browser command',
    'https://claude.com/cai/oauth/authorize?code=true&client_id=9d1c250a-e61b-44d9-88ed-5944d1962f5e&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A41234%2Fcallback&scope=user%3Aprofile&code_challenge=WTA3tNSEPu3o1mKGokl-Po1bmZxbIijxq-XBzQ4D-ps&code_challenge_method=S256&state=HSGipaq0pGkeSmWPXaX14gDYmfaf9v9xZmVAm5MTBD4',
    { hosts: ['claude.com'], pathPrefixes: ['/cai/oauth/authorize'], require: [claude, 'state'] },
    { ports: [], path: '/callback' },
  ],
  [
    'gemini',
    'https://accounts.google.com/o/oauth2/v2/auth?redirect_uri=http%3A%2F%2F127.0.0.1%3A46539%2Foauth2callback&access_type=offline&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.profile&state=8d0fa2ab7a281231498965c6e6c294e9d0324dd34ac2ec87ec387362dcbd4588&response_type=code&client_id=681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com',
    { hosts: ['accounts.google.com'], pathPrefixes: ['/o/oauth2/v2/auth'], require: [google, 'state'] },
    { ports: [], path: '/oauth2callback' },
  ],
];

describe('the URL guard', () => {
  it('is tried with at least sixty hostile links', () => {
    expect(hostile.length).toBeGreaterThanOrEqual(60);
  });

  it.each(hostile)('refuses %s', (_name, raw, reason) => {
    const verdict = guardUrl(raw, rule, callback);
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
  });

  it.each(genuine)('lets %s pass', (_name, raw, difference, itsCallback) => {
    expect(guardUrl(raw, { ...rule, ...difference }, itsCallback)).toMatchObject({ ok: true });
  });

  it('reports what the callback has to bring', () => {
    expect(guardUrl(good, rule, callback)).toEqual({
      ok: true,
      url: {
        href: good,
        host: 'auth.openai.com',
        state: 'h3iSm2wsGTfE8ZJjY4QFhWsE6Y08_-229pNPSufZKS8',
        callback: { port: 1455, path: '/auth/callback' },
      },
    });
  });

  it('takes an IPv6 and a localhost redirect where any port is allowed, but no privileged port', () => {
    const any: Callback = { ports: [], path: '/auth/callback' };
    expect(guardUrl(redirect('http://[::1]:40000/auth/callback'), rule, any)).toMatchObject({ ok: true });
    expect(guardUrl(redirect('http://localhost:65535/auth/callback'), rule, any)).toMatchObject({ ok: true });
    expect(guardUrl(redirect('http://localhost:1023/auth/callback'), rule, any)).toMatchObject({ ok: false });
    expect(guardUrl(redirect('http://localhost:65536/auth/callback'), rule, any)).toMatchObject({ ok: false });
  });

  it('repeats nothing but the host of a refused link', () => {
    const verdict = guardUrl('https://evil.example/a?state=secret-state', rule, callback);
    expect(verdict).toEqual({ ok: false, reason: 'its host is evil.example, which is not auth.openai.com' });
  });
});
