/**
 * Conformance suites for providers, machine drivers, stores and egress proxies, and what their tests need: recordings, a
 * virtual clock, a scripted CLI, a driver without machines.
 */
export { checkProperty } from './check-property.ts';
export type { PropertyOptions } from './check-property.ts';
export { createVirtualClock } from './clock.ts';
export type { VirtualClock } from './clock.ts';
export { countScanned } from './count-scanned.ts';
export { describeDriver } from './driver.ts';
export type { DriverSuiteOptions, DriverUnderTest } from './driver.ts';
export type { ClisUnderTest } from './driver-suite/homes.ts';
export { describeEgress } from './egress.ts';
export type { EgressUnderTest } from './egress.ts';
export { createFakeLogin } from './fake-cli/login-site.ts';
export type { FakeLogin } from './fake-cli/login-site.ts';
export { createFakeProvider, fakeCliExecutable } from './fake-cli/provider.ts';
export type { FakeCliScript } from './fake-cli/script.ts';
export { writeFakeCli } from './fake-cli/write-fake-cli.ts';
export type { FakeCli } from './fake-cli/write-fake-cli.ts';
export type { FakeAgent, FakeAgentScript } from './fake-driver/fake-agent.ts';
export { createFakeDriver } from './fake-driver/fake-driver.ts';
export type { FakeDriver } from './fake-driver/fake-driver.ts';
export type { FakeMachine, FakeStep } from './fake-driver/fake-machine.ts';
export { createFakeUpstream } from './fake-upstream/fake-upstream.ts';
export type { Admission, FakeUpstream, FakeUpstreamOptions, UpstreamRequest } from './fake-upstream/fake-upstream.ts';
export { describeProvider } from './provider.ts';
export type { ProviderRecordings } from './provider.ts';
export type { ConversationCase } from './provider/conversation-suite.ts';
export type { CredentialCase } from './provider/credential-suite.ts';
export type { HeadlessCase } from './provider/headless-suite.ts';
export { startLoginRun } from './provider/login-run.ts';
export type { LoginOutcome, LoginRun, LoginRunOptions } from './provider/login-run.ts';
export { createPlayer } from './provider/replay.ts';
export type { PlayedWindow, Player } from './provider/replay.ts';
export type { TranscriptCase } from './provider/transcript-suite.ts';
export { describeResident } from './resident.ts';
export type {
  ResidentAnswer,
  ResidentPrompt,
  ResidentScript,
  ResidentSuiteOptions,
  ResidentUnderTest,
} from './resident.ts';
export { loadRpcTranscript } from './rpc-transcript.ts';
export type { RpcEntry, RpcTranscript } from './rpc-transcript.ts';
export type { Expectation, TestRunner } from './runner.ts';
export { describeStore } from './store.ts';
export { insertPrompt, loadTranscript, offsetOf, pauseBefore, showFirst } from './transcript.ts';
export type { Transcript, TranscriptPause } from './transcript.ts';
