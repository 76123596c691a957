/**
 * The internet as a vendor's CLI sees it: identity providers and model APIs that are as strict as the real ones, and a
 * world in which a real CLI logs in to them.
 */
export { createCliWorld } from './cli-world/cli-world.ts';
export type {
  CliWorld,
  CliWorldOptions,
  FinishedPrompt,
  PromptRequest,
  RecordedLogin,
  ShownLogin,
  UserAnswer,
} from './cli-world/cli-world.ts';
export { installCli } from './cli-world/install-cli.ts';
export { createFakeAnthropic } from './fake-anthropic/fake-anthropic.ts';
export type { FakeAnthropic, FakeAnthropicOptions } from './fake-anthropic/fake-anthropic.ts';
export { anthropicStateSchema } from './fake-anthropic/state.ts';
export type { AnthropicState } from './fake-anthropic/state.ts';
export { createFakeGoogle } from './fake-google/fake-google.ts';
export type { FakeGoogle, FakeGoogleOptions } from './fake-google/fake-google.ts';
export { googleStateSchema } from './fake-google/state.ts';
export type { GoogleState } from './fake-google/state.ts';
export { createCertificateAuthority } from './fake-internet/certificate-authority.ts';
export type { CertificateAuthority } from './fake-internet/certificate-authority.ts';
export { createFakeInternetControl } from './fake-internet/control.ts';
export type { FakeInternetControl } from './fake-internet/control.ts';
export { createEgressClient } from './fake-internet/egress-client.ts';
export type { EgressRequest, EgressResponse } from './fake-internet/egress-client.ts';
export { createFakeInternet } from './fake-internet/fake-internet.ts';
export type { FakeInternet, FakeInternetOptions } from './fake-internet/fake-internet.ts';
export type { LoggedRequest, NewRequest, RecordAnswer, RequestLog } from './fake-internet/request-log.ts';
export type { ShownRequest } from './fake-internet/shown-request.ts';
export type { Controllable, Site, Visit } from './fake-internet/site.ts';
export { createFakeOauth, oauthStateSchema } from './fake-oauth/fake-oauth.ts';
export type { FakeOauth, OauthState } from './fake-oauth/fake-oauth.ts';
export { signInAsUser } from './fake-oauth/person.ts';
export type { SignInRequest } from './fake-oauth/person.ts';
export type { OauthTable, OauthTableInput } from './fake-oauth/table.ts';
export { createFakeOpenai } from './fake-openai/fake-openai.ts';
export type { FakeOpenai, FakeOpenaiOptions } from './fake-openai/fake-openai.ts';
export { openaiStateSchema } from './fake-openai/state.ts';
export type { OpenaiState } from './fake-openai/state.ts';
export { createFakeVendorModule, fakeVendors } from './fake-vendor-module/module.ts';
export { visitSignInPages } from './fake-vendor-module/sign-in-pages.ts';
export type { LastPage, SignInVisit } from './fake-vendor-module/sign-in-pages.ts';
export { fakeVendorScripts } from './fake-vendor-module/vendors.ts';
export type { FakeVendorScript } from './fake-vendor-module/vendors.ts';
export type { FakeVendor, FakeVendorOptions } from './fake-vendor/options.ts';
export { readColourCode } from './fake-vendor/sign-in/colour-code.ts';
export type { Pixels } from './fake-vendor/sign-in/colour-code.ts';
export { vendorStateSchema } from './fake-vendor/state.ts';
export type { VendorState } from './fake-vendor/state.ts';
