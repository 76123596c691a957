--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: supabase_migrations; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA supabase_migrations;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    audit_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    type text NOT NULL,
    user_id uuid,
    data jsonb NOT NULL
);


--
-- Name: audit_log_audit_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.audit_log ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_session_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_session_events (
    event_id bigint NOT NULL,
    session_id uuid NOT NULL,
    event json NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: auth_session_events_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.auth_session_events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.auth_session_events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: auth_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.auth_sessions (
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    method text NOT NULL,
    display text NOT NULL,
    status text NOT NULL,
    phase text NOT NULL,
    browser_vm_id text,
    cli_vm_id text,
    auth_url text,
    user_code text,
    error_code text,
    error_message text,
    error_hint text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    host text,
    CONSTRAINT auth_sessions_display_check CHECK ((display = ANY (ARRAY['desktop'::text, 'local'::text, 'none'::text]))),
    CONSTRAINT auth_sessions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'ready'::text, 'awaiting_user_auth'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])))
);


--
-- Name: disabled_providers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.disabled_providers (
    provider text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_sha256 text NOT NULL,
    resource_id uuid NOT NULL,
    completed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 128)))
);


--
-- Name: prompt_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.prompt_events (
    event_id bigint NOT NULL,
    prompt_id uuid NOT NULL,
    event json NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: prompt_events_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.prompt_events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.prompt_events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: prompts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.prompts (
    prompt_id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    conversation_id text,
    status text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    host text,
    CONSTRAINT prompts_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text, 'relogin-needed'::text])))
);


--
-- Name: provider_credential_leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_credential_leases (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    vm_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    disk_nonce text
);


--
-- Name: provider_credential_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_credential_versions (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    version integer NOT NULL,
    credential_id uuid NOT NULL,
    sha256 text NOT NULL,
    facts jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT provider_credential_versions_version_check CHECK ((version > 0))
);


--
-- Name: provider_credentials; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_credentials (
    credential_id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    version integer NOT NULL,
    sha256 text NOT NULL,
    facts jsonb NOT NULL,
    encrypted_credentials bytea NOT NULL,
    encryption_iv text NOT NULL,
    encryption_tag text NOT NULL,
    encryption_salt text,
    wrapped_key bytea NOT NULL,
    key_id text NOT NULL,
    valid boolean DEFAULT true NOT NULL,
    last_verified timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    invalid_reason text,
    warned_for bigint,
    CONSTRAINT provider_credentials_check CHECK ((valid = (invalid_reason IS NULL))),
    CONSTRAINT provider_credentials_invalid_reason_check CHECK ((invalid_reason = ANY (ARRAY['refused'::text, 'lost'::text, 'rolled-back'::text]))),
    CONSTRAINT provider_credentials_version_check CHECK ((version > 0))
);


--
-- Name: servers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.servers (
    host text NOT NULL,
    epoch integer NOT NULL,
    heartbeat_at timestamp with time zone,
    CONSTRAINT servers_epoch_check CHECK ((epoch > 0))
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    user_id uuid NOT NULL,
    external_id text,
    email text,
    decodo_proxy_port integer NOT NULL,
    decodo_fixed_ip text,
    vm_id text,
    vm_ip text,
    status text DEFAULT 'active'::text NOT NULL,
    last_active timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_decodo_proxy_port_check CHECK (((decodo_proxy_port >= 10001) AND (decodo_proxy_port <= 65535)))
);


--
-- Name: vms; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.vms (
    vm_id text NOT NULL,
    user_id uuid,
    type text NOT NULL,
    vm_type text,
    driver text NOT NULL,
    host text NOT NULL,
    vcpu_count integer NOT NULL,
    memory_mb integer NOT NULL,
    ip_address text,
    tap_device text,
    status text NOT NULL,
    firecracker_pid integer,
    socket_path text,
    epoch integer DEFAULT 0 NOT NULL,
    injected jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    destroyed_at timestamp with time zone,
    CONSTRAINT vms_status_check CHECK ((status = ANY (ARRAY['creating'::text, 'running'::text, 'stopping'::text, 'stopped'::text, 'hibernated'::text, 'lost'::text, 'destroyed'::text]))),
    CONSTRAINT vms_type_check CHECK ((type = ANY (ARRAY['browser'::text, 'cli'::text])))
);


--
-- Name: schema_migrations; Type: TABLE; Schema: supabase_migrations; Owner: -
--

CREATE TABLE supabase_migrations.schema_migrations (
    version text NOT NULL,
    statements text[],
    name text
);


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-29 00:31:17.052+00', 'login.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"method": "paste", "display": "none", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-29 00:31:17.067+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "starting-machine", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '2026-11-29 00:31:17.323+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "running", "machineId": "m-rfdkjkcyhjqloh7ln76i"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '2026-11-29 00:31:17.327+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "starting-login", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '2026-11-29 00:31:17.465+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "awaiting-user", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '2026-11-29 00:31:17.527+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "storing", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '2026-11-29 00:31:17.55+00', 'credential.stored', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"reason": "login", "version": 1, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '2026-11-29 00:31:17.558+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "cleaning-up", "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '2026-11-29 00:31:17.561+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "stopping", "machineId": "m-rfdkjkcyhjqloh7ln76i"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '2026-11-29 00:31:17.613+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "destroyed", "machineId": "m-rfdkjkcyhjqloh7ln76i"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '2026-11-29 00:31:17.619+00', 'login.completed', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"version": 1, "provider": "fake", "sessionId": "8c6b8d98-cc1d-450e-b97a-066035f04465"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '2026-11-29 00:31:17.64+00', 'prompt.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"promptId": "cabf0f07-9d62-46d2-9653-550d479ed19b", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '2026-11-29 00:31:17.685+00', 'credential.injected', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"version": 1, "provider": "fake", "machineId": "m-2ia4oaerj55ka3jpdatf"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '2026-11-29 00:31:17.964+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "running", "machineId": "m-2ia4oaerj55ka3jpdatf"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (15, '2026-11-29 00:31:18.105+00', 'prompt.ended', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"outcome": "completed", "promptId": "cabf0f07-9d62-46d2-9653-550d479ed19b", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (16, '2026-11-29 00:31:18.112+00', 'prompt.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"promptId": "73adeb69-7484-4cbc-b338-ad23458a8500", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (17, '2026-11-29 00:31:18.205+00', 'prompt.ended', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"outcome": "completed", "promptId": "73adeb69-7484-4cbc-b338-ad23458a8500", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (18, '2026-11-29 00:31:18.224+00', 'credential.stored', '1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', '{"reason": "import", "version": 1, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (19, '2026-11-29 00:31:18.227+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "stopping", "machineId": "m-2ia4oaerj55ka3jpdatf"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (20, '2026-11-29 00:31:18.258+00', 'credential.stored', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"reason": "harvest", "version": 2, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (21, '2026-11-29 00:31:18.262+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "stopped", "machineId": "m-2ia4oaerj55ka3jpdatf"}');


--
-- Data for Name: auth_session_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (1, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"phase","status":"pending","phase":"starting-machine","message":"Starting a private machine for this login."}', '2026-11-29 00:31:17.059422+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (2, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"progress","message":"A machine has been reserved.","status":"pending","phase":"starting-machine"}', '2026-11-29 00:31:17.072699+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (3, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"phase","status":"pending","phase":"starting-login","message":"The provider''s own tool is starting the login."}', '2026-11-29 00:31:17.323976+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (4, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"prompt","message":"Code","data":{"promptId":"code","kind":"code","secret":true,"choices":[]},"status":"pending","phase":"starting-login"}', '2026-11-29 00:31:17.44651+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (5, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"url","message":"Open the sign-in page.","data":{"url":"http://127.0.0.1:34249/login.fake.test/authorize?response_type=code&redirect_uri=https%3A%2F%2Flogin.fake.test%2Fcode&state=1AFAo7BT7Y8WHfy80Z5Z1Q","userCode":null},"status":"pending","phase":"starting-login"}', '2026-11-29 00:31:17.453106+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (6, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"phase","status":"awaiting_user_auth","phase":"awaiting-user","message":"Sign in on the provider''s page."}', '2026-11-29 00:31:17.461099+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (7, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"phase","status":"awaiting_user_auth","phase":"storing","message":"Encrypting and storing the login."}', '2026-11-29 00:31:17.524584+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (8, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"phase","status":"awaiting_user_auth","phase":"cleaning-up","message":"Removing the login machine."}', '2026-11-29 00:31:17.555917+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (9, '8c6b8d98-cc1d-450e-b97a-066035f04465', '{"type":"done","status":"completed","phase":"completed","message":"Connected."}', '2026-11-29 00:31:17.615083+00');


--
-- Data for Name: auth_sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_sessions VALUES ('8c6b8d98-cc1d-450e-b97a-066035f04465', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 'paste', 'none', 'completed', 'completed', 'm-rfdkjkcyhjqloh7ln76i', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-29 00:31:17.052073+00', '2026-11-29 00:31:17.615083+00', 'vm-5e2200b0');


--
-- Data for Name: disabled_providers; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: prompt_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (1, 'cabf0f07-9d62-46d2-9653-550d479ed19b', '{"type":"prompt-start","promptId":"cabf0f07-9d62-46d2-9653-550d479ed19b","provider":"fake"}', '2026-11-29 00:31:17.637244+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (2, 'cabf0f07-9d62-46d2-9653-550d479ed19b', '{"type":"machine","state":"starting","message":"Your machine is being started."}', '2026-11-29 00:31:17.642394+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (3, 'cabf0f07-9d62-46d2-9653-550d479ed19b', '{"type":"conversation","conversationId":"2023ed02950d"}', '2026-11-29 00:31:18.0908+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (4, 'cabf0f07-9d62-46d2-9653-550d479ed19b', '{"type":"text","text":"You said: write notes.txt"}', '2026-11-29 00:31:18.094387+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (5, 'cabf0f07-9d62-46d2-9653-550d479ed19b', '{"type":"prompt-end","outcome":"completed"}', '2026-11-29 00:31:18.104338+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (6, '73adeb69-7484-4cbc-b338-ad23458a8500', '{"type":"prompt-start","promptId":"73adeb69-7484-4cbc-b338-ad23458a8500","provider":"fake"}', '2026-11-29 00:31:18.111345+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (7, '73adeb69-7484-4cbc-b338-ad23458a8500', '{"type":"conversation","conversationId":"640f1ec4627e"}', '2026-11-29 00:31:18.190008+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (8, '73adeb69-7484-4cbc-b338-ad23458a8500', '{"type":"text","text":"You said: rotate"}', '2026-11-29 00:31:18.196762+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (9, '73adeb69-7484-4cbc-b338-ad23458a8500', '{"type":"prompt-end","outcome":"completed"}', '2026-11-29 00:31:18.204477+00');


--
-- Data for Name: prompts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.prompts VALUES ('cabf0f07-9d62-46d2-9653-550d479ed19b', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', NULL, 'completed', '2026-11-29 00:31:17.637244+00', '2026-11-29 00:31:18.104338+00', 'vm-5e2200b0');
INSERT INTO public.prompts VALUES ('73adeb69-7484-4cbc-b338-ad23458a8500', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', NULL, 'completed', '2026-11-29 00:31:18.111345+00', '2026-11-29 00:31:18.204477+00', 'vm-5e2200b0');


--
-- Data for Name: provider_credential_leases; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: provider_credential_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.provider_credential_versions VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 1, 'cf3ac4e3-fc13-4493-924e-e19d490149df', '4776ec13800aa40df91057b13a10b5cf208e3ca4671161d61ae66764da26ca2a', '{"kind": "plan", "blank": false, "account": "person@fake.test", "lineage": "5cc15e1d5b0a907f", "issuedAt": 1795912277475}', '2026-11-29 00:31:17.545159+00');
INSERT INTO public.provider_credential_versions VALUES ('1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'fake', 1, '50b6cbd2-6500-400c-b23a-c578c94bc620', '2657b93b5af1c1f96bb255282d26f35b666093ea9435c159bdb3ae782585119c', '{"kind": "api-key", "blank": false, "rotates": false}', '2026-11-29 00:31:18.221664+00');
INSERT INTO public.provider_credential_versions VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 2, 'cf3ac4e3-fc13-4493-924e-e19d490149df', '64a106d0adbcbf5867443bb4be5518944d0aab6a2ae270f2988df9991a2252c3', '{"kind": "plan", "blank": false, "account": "person@fake.test", "lineage": "de6f5f2a1591df43", "issuedAt": 1795912278187}', '2026-11-29 00:31:18.253683+00');


--
-- Data for Name: provider_credentials; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.provider_credentials VALUES ('50b6cbd2-6500-400c-b23a-c578c94bc620', '1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'fake', 1, '2657b93b5af1c1f96bb255282d26f35b666093ea9435c159bdb3ae782585119c', '{"kind": "api-key", "blank": false, "rotates": false}', '\xaefb6d9064b18a4818a44df070c2845d0ab6601dba53ec7f3f12fdeb6690807f01fa561398607c0e37e0dd19d71329e79bf90c41243bc4b61a1fc8e8e3b953892748565d1c839aa8a3b402bb7c2eff0c3ced237eaae2a31f801613afb3f45cdfcb865469549c6f07fbdf1234928f986b7a43e1cd467430a2d74966c3a110e20313950b83622a874135bb2981d382021b962939d1b52ab0ab6cec92bf95b872ece2dff571d245356fd764b6c15d6fa964857642831f8dc613547ec08c3ba10b1407a487bde275cc9c7234b80e3ae058e9c7db2d89420e36522de6fe45bc52d2d96dc74efb42c49462c0474b96cebaaec8eb48bcafcb2f544f2998377a52ba692544a0fc1806496dd2130b5c5c7631bb2f766f89e863c9f85a3617e8fd058ba9e3edc63e0b15d55f696daa4cecda5d65b337592fb22d502d87f38314a6289b08bf27991189bc04454122b0000fe55f75e0d1abed42cd9ba64e5666e8951af91585754a324dbd68f852943ad865f10353f1c95535b675d1075f62699e6fb9ab2082ca8623adcb9403b2073345f89e1bfc882959024cb42ed2e3ad333ce722aaae1e43aa451d0d1a3689f72ab174ef0b4194cefaa8df4895a4539885ce472afaa33a428395d84a0e0a0dfa6b24172a39cc3dd06670d0c76d2f6bfc6cda0dfe94751b5edf3ef11e522d62bdda99fdda5e9b014476bcee951822f2005067aff8649b040d714e07c687f9e8c86c64e4276ca039a45ed3e5e37d0b5fe1acc2df8670e48e8b4234653208c2ea94fc412d373e14ca8a9ba410778f7dc0acefe7e93524d91b85aac908a6585d5429a1abc0f40acd3b9584c425093f3c25a2df59682652af3177e7ffdd9200001844cac7e9e1b7a7bf1a6804d90fd8960c80e42053f1e1670e5da913d3eb900d3a4f39c345fa96ce10185871c6af961e94b79074f616599a11a5e52efe63b5f542bd5335bf481d5a1869a530ed7b6ab861d813c14d7c0905a42c71099488496a3bb79a8b082ff635951bde828fe03bb04e2363235553da03727edd4113b0d2e0086828bdcaf88e84d9e58634aaa1df350d2debce7a19f52b8101f60e5e677f800c1a0a2f2cd3bcf4d58e3aee496a1f36397d3f9ee56f5f3b81a928e46dcf578c94ab733cadf5a04e2ab01ed745b475e88107fc392ff826ed96bc4ef1114076c453370c67f3b54cbc7353e12b20acbf00c21fc868fb8a9ebcfcc6664b201072bfaf3340f806e175b8fbf6f5feb6f966d666e7318c54dd30b5b893828e7993ee9748bfff2eafd02e06cc1838604c04beb8b3baa56b00c1a7f29e07b17081216078f33a2881b12182c847be85aa2e49e4fcec4aa43edfa893362ff0b3703fdab4ce1fb53a74cdb9d2f0e77270c1c6119745294d9edb842af16542c1f6a70de358c7d9c4511330ef4caa8acaa188cbcadff405247c4de131e94063', 'aj/4KSLyLPGf3bXu', 'Ysc2NOdaBSV6tYNIRfVGww==', 'b5xtvolUxiyIFI4bY2AzgrsHljZOyDBQTgrrMAPomwY=', '\x1731c25e6f33d16e7cb69cd4c0a5a5d7a910985bdc33cc14759a9e6820db34835c8efa88a3edf21a246bb2c8e52a718ecf77aecd0f1393889810e637', '2026-11-29-33efd1aa', true, NULL, '2026-11-29 00:31:18.221664+00', '2026-11-29 00:31:18.221664+00', NULL, NULL);
INSERT INTO public.provider_credentials VALUES ('cf3ac4e3-fc13-4493-924e-e19d490149df', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 2, '64a106d0adbcbf5867443bb4be5518944d0aab6a2ae270f2988df9991a2252c3', '{"kind": "plan", "blank": false, "account": "person@fake.test", "lineage": "de6f5f2a1591df43", "issuedAt": 1795912278187}', '\x0367d113127e56ee24d7068c02ee642ce420d81134d5da88a1dc2f2c32fdb1f5d0f940a93e8e688722091172182592f03f8bf3c999d59c85daca04e233275378ac8c3e6929a76d214036ef18a3f7db187e0a01583db377aa622112b5b0205af82350d2fd6d8bb56ab8f6569f90f93e9627bfce40cd16074ed98e36385fa47db7f5094bfb4b65006639ef18a08557616941c3b5e3a06ac714b3884e85256d8897bdd227574d6bb52fa656b0cb4ff4aff96aeb5997e0a9fa47f5df0be754d013ca26ed606b9d39bd633d430d36110519bf5b09e1d45db05feed3e94f88c671b816af601347412bb3dc6c12b4766649d0617bbc09d16b06bd386e92ddda1750a4745ea361148a160a75b957e428efcad00eb55cd8fee9f8b819d2fcff8c472a3cb28867245a0306616cd2e8c826853c97a0c057a4a9e7b24ef5d3a5110b4d4b3fd7dbda90c09dc1469602b29b080bb39b9fe949b1bf145d04ddf45487864a2add7a9ffc738682deec0388ba081112da8c49b1660b8df4a8474563b16706a0ff6a90c5a045d5e0b273451ede569a10ee300cd9534bf7a3c72403ef1893c445aaa0ca197d1aa1ea9d4843710c7680401b58f4b9847ab1a9db10cf8dfdf943060367d6d4816260eded86a51ee76472fdb6435ee4dc19f98a694ccf9a0accd7aa17fc5d753e3731da6b2093cb2e52615122b7719157785c0aa8504d73d8c5b416e769d52e301044fd9629bec46d6aa22f8baa6d304035f4d1e99c16d5f8fc655c300f0d66165393e74d336225afe3d8aebbc43390081ec9f1db3c4f28459ed81776731c47d7b85247c1f235132a9927a96d4f26cbc012f498aad67634f8de5776c0a28d30e76cdb95351af7b7ea47c5650827e3072f9cc7859dad2212d51905c80b84a3f8de5a4ffd23fb7110b9d48f940d0b34650866cee3574852885f8f3314b00b01bc67726e7b3bf00acf59d96cd320752db9ed06415b8917de0a463f0e70a5a5d9b7c03d3241a2a2c75591622e56db81d357078670a952f337c2696713b1806d06231dc0bd133bba1610a4f591c970ef66a060cf916be3d31d29b4c3193abf1016689521ebd60288cd52c3165f17ddf9d3a98fa26ebbc41c573f6481a00f1b5cd6302ed5eb43b9ebd8ea20c192d01c867ac69647449465640d9a3d1e1bbf15f87c4f75557b5b87d8994570e146075214857dd9fa9ec77eb0ba9c399bc7bcd61ae24afac05d91f798e1bcc98a23d74cc1ea9fd7ee66e5a6392760b7fe97ec93894caded8c0c15970836a5be98d4cf813573eeb8dc55f537746c5e23b8cf3848c3a07be065a147d265cb1abb442bdb1da077a7b84cfe187b6bc94bef243725dfe50f4083973b6e3bdb1d10981e4b2b8c065fd1d9c3ec8914620ee9951a871eda592674e0351233120c2b9405b70d1ee8772da37846a81401be0ab50245640968fe52', '8vZ85D6FdeSSpwBm', 'WJM+DoKHIm7lFPyyQsD6ww==', 'LnDYfbrhL5sLXw+dW6ROYHde51ZrISKSRPtNF+Y+je0=', '\x984976421055d14e27e18bb706ea028a68fcb12c5c5e5feb8b443fd66e62686d81d3d77baef64b8e99c2b29ee295159a75a4a030468ec87d094ea60b', '2026-11-29-33efd1aa', true, '2026-11-29 00:31:18.253683+00', '2026-11-29 00:31:17.545159+00', '2026-11-29 00:31:18.253683+00', NULL, NULL);


--
-- Data for Name: servers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.servers VALUES ('vm-5e2200b0', 1, NULL);


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'ada', NULL, 10001, NULL, 'm-2ia4oaerj55ka3jpdatf', NULL, 'active', '2026-11-29 00:31:17.047486+00', '2026-11-29 00:31:17.047486+00');
INSERT INTO public.users VALUES ('1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'grace', NULL, 10002, NULL, NULL, NULL, 'active', '2026-11-29 00:31:18.210625+00', '2026-11-29 00:31:18.210625+00');


--
-- Data for Name: vms; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.vms VALUES ('m-rfdkjkcyhjqloh7ln76i', 'a5baeb59-f80c-5405-a087-99050c68441c', 'browser', NULL, 'process', 'vm-5e2200b0', 1, 256, NULL, NULL, 'destroyed', NULL, NULL, 1, '{}', '2026-11-29 00:31:17.069175+00', '2026-11-29 00:31:17.612096+00');
INSERT INTO public.vms VALUES ('m-2ia4oaerj55ka3jpdatf', 'a5baeb59-f80c-5405-a087-99050c68441c', 'cli', NULL, 'process', 'vm-5e2200b0', 1, 384, NULL, NULL, 'stopped', NULL, NULL, 1, '{"fake": 2}', '2026-11-29 00:31:17.640136+00', NULL);


--
-- Data for Name: schema_migrations; Type: TABLE DATA; Schema: supabase_migrations; Owner: -
--

INSERT INTO supabase_migrations.schema_migrations VALUES ('20261123000000', '{"-- The tables of Sallyport. PostgreSQL 15 to 18; needs no extension.
--
-- Row-level security is on and there is no policy: whoever is not the owner (Supabase''s `anon` and `authenticated`
-- roles, which get table grants by default) sees and changes nothing. The server connects as the owner, to whom
-- row-level security does not apply unless it is forced.
--
-- What belongs to one record (its journal, its older versions, its lease) points to it by a foreign key. Users, machines
-- and sessions refer to each other by id alone: intent rows are written before what they refer to exists, and an
-- embedding product may remove its users itself.

create table users (
  user_id uuid primary key,
  -- The name the embedding product knows the user by, when it was no UUID.
  external_id text,
  email text,
  -- Upstream port of a port-per-user proxy service; never given to a second user.
  decodo_proxy_port integer not null unique check (decodo_proxy_port between 10001 and 65535),
  decodo_fixed_ip text,
  -- The current CLI machine.
  vm_id text,
  vm_ip text,
  status text not null default ''active'',
  last_active timestamptz not null default now(),
  created_at timestamptz not null default now()
);

create table vms (
  vm_id text primary key,
  user_id uuid,
  type text not null check (type in (''browser'', ''cli'')),
  vm_type text,
  driver text not null,
  host text not null,
  vcpu_count integer not null,
  memory_mb integer not null,
  ip_address text,
  tap_device text,
  status text not null
    check (status in (''creating'', ''running'', ''stopping'', ''stopped'', ''hibernated'', ''lost'', ''destroyed'')),
  firecracker_pid integer,
  socket_path text,
  -- Raised at each create, wake and fork; what an older epoch says is dropped.
  epoch integer not null default 0,
  -- Provider -> version of the credential that lies on the machine''s disk.
  injected jsonb not null default ''{}'',
  created_at timestamptz not null default now(),
  destroyed_at timestamptz
);

create index vms_user on vms (user_id);
create index vms_host_present on vms (host) where status <> ''destroyed'';

create table auth_sessions (
  session_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  method text not null,
  display text not null check (display in (''desktop'', ''local'', ''none'')),
  status text not null
    check (status in (''pending'', ''ready'', ''awaiting_user_auth'', ''completed'', ''failed'', ''cancelled'')),
  -- Finer than the status.
  phase text not null,
  browser_vm_id text,
  cli_vm_id text,
  auth_url text,
  user_code text,
  error_code text,
  error_message text,
  error_hint text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- One login at a time for each user and provider.
create unique index auth_sessions_live on auth_sessions (user_id, provider)
  where status in (''pending'', ''ready'', ''awaiting_user_auth'');

create table auth_session_events (
  -- Also the id by which the stream is resumed. Writers of one stream take turns, so it grows within the stream.
  event_id bigint generated always as identity primary key,
  session_id uuid not null references auth_sessions on delete cascade,
  -- `json` and not `jsonb`, here and in prompt_events: jsonb refuses \\u0000 and half surrogate pairs.
  event json not null,
  created_at timestamptz not null default now()
);

create index auth_session_events_stream on auth_session_events (session_id, event_id);

-- The current version of each credential: the only row that holds its bytes.
create table provider_credentials (
  credential_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  version integer not null check (version > 0),
  -- Of the canonical bundle, in hex.
  sha256 text not null,
  facts jsonb not null,
  encrypted_credentials bytea not null,
  encryption_iv text not null,
  encryption_tag text not null,
  encryption_salt text,
  wrapped_key bytea not null,
  key_id text not null,
  valid boolean not null default true,
  last_verified timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (user_id, provider)
);

-- Every version there ever was, without its bytes: a refresh token is single-use, so an old one must never come back.
create table provider_credential_versions (
  user_id uuid not null,
  provider text not null,
  version integer not null check (version > 0),
  credential_id uuid not null,
  sha256 text not null,
  facts jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, provider, version),
  foreign key (user_id, provider) references provider_credentials (user_id, provider) on delete cascade
);

create index provider_credential_versions_hash on provider_credential_versions (user_id, provider, sha256);

-- Which machine holds a credential, and so may refresh it.
create table provider_credential_leases (
  user_id uuid not null,
  provider text not null,
  vm_id text not null,
  created_at timestamptz not null default now(),
  primary key (user_id, provider),
  foreign key (user_id, provider) references provider_credentials (user_id, provider) on delete cascade
);

create table prompts (
  prompt_id uuid primary key,
  user_id uuid not null,
  provider text not null,
  -- The CLI''s own id of the conversation.
  conversation_id text,
  status text not null check (status in (''running'', ''completed'', ''failed'', ''cancelled'', ''relogin-needed'')),
  created_at timestamptz not null default now(),
  ended_at timestamptz
);

create index prompts_running on prompts (created_at) where status = ''running'';

create table prompt_events (
  event_id bigint generated always as identity primary key,
  prompt_id uuid not null references prompts on delete cascade,
  event json not null,
  created_at timestamptz not null default now()
);

create index prompt_events_stream on prompt_events (prompt_id, event_id);

create table audit_log (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null,
  type text not null,
  user_id uuid,
  data jsonb not null
);

create index audit_log_user on audit_log (user_id, audit_id);

alter table users enable row level security;
alter table vms enable row level security;
alter table auth_sessions enable row level security;
alter table auth_session_events enable row level security;
alter table provider_credentials enable row level security;
alter table provider_credential_versions enable row level security;
alter table provider_credential_leases enable row level security;
alter table prompts enable row level security;
alter table prompt_events enable row level security;
alter table audit_log enable row level security;
"}', 'sallyport_tables');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261123220000', '{"-- Providers that an operator has switched off (`sallyport providers disable`). Every server on this database reads
-- it about once a second, so that a row takes effect at once wherever it is written.

create table disabled_providers (
  provider text primary key,
  created_at timestamptz not null default now()
);

alter table disabled_providers enable row level security;
"}', 'sallyport_disabled_providers');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261123224000', '{"-- Why a credential is not given out any more; null while it is valid.
alter table provider_credentials
  add column invalid_reason text check (invalid_reason in (''refused'', ''lost'', ''rolled-back'')),
  -- The end of the login, in milliseconds since 1970, that the person was warned of.
  add column warned_for bigint;

update provider_credentials set invalid_reason = ''refused'' where not valid;

alter table provider_credentials add check (valid = (invalid_reason is null));

-- What the server looks through every hour.
create index provider_credentials_ending on provider_credentials (((facts ->> ''loginExpiresAt'')::numeric)) where valid;
"}', 'sallyport_credential_rotation');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261128000000', '{"-- Written with each lease, here and to the machine''s disk: a disk without it is a copy from another time. Null in leases from
-- before this column.
alter table provider_credential_leases add column disk_nonce text;
"}', 'sallyport_disk_nonce');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261128230000', '{"-- Which server owns the rows of each host. Raised by each claim: transactions of an older epoch are refused.
create table servers (
  host text primary key,
  epoch integer not null check (epoch > 0),
  -- Null once the server has stopped.
  heartbeat_at timestamptz
);

alter table servers enable row level security;

-- The server that runs it. Null in rows from before this column.
alter table auth_sessions add column host text;
alter table prompts add column host text;
"}', 'sallyport_servers');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261128233000', '{"-- Logins and prompts are deleted when they are old, and with their user or provider.
create index auth_sessions_ended on auth_sessions (updated_at)
  where status not in (''pending'', ''ready'', ''awaiting_user_auth'');
create index auth_sessions_user on auth_sessions (user_id);
create index prompts_ended on prompts ((coalesce(ended_at, created_at))) where status <> ''running'';
create index prompts_user on prompts (user_id);
"}', 'sallyport_history');
INSERT INTO supabase_migrations.schema_migrations VALUES ('20261128234500', '{"-- What a request with an Idempotency-Key has created, for a day: the same request again creates nothing more.
create table idempotency_keys (
  user_id uuid not null,
  route text not null,
  key text not null check (length(key) between 1 and 128),
  body_sha256 text not null,
  -- Id of the prompt or login session.
  resource_id uuid not null,
  -- False while it is being created.
  completed boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (user_id, route, key)
);

create index idempotency_keys_created on idempotency_keys (created_at);

alter table idempotency_keys enable row level security;
"}', 'sallyport_idempotency_keys');


--
-- Name: audit_log_audit_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.audit_log_audit_id_seq', 21, true);


--
-- Name: auth_session_events_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.auth_session_events_event_id_seq', 9, true);


--
-- Name: prompt_events_event_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.prompt_events_event_id_seq', 9, true);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (audit_id);


--
-- Name: auth_session_events auth_session_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_session_events
    ADD CONSTRAINT auth_session_events_pkey PRIMARY KEY (event_id);


--
-- Name: auth_sessions auth_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_sessions
    ADD CONSTRAINT auth_sessions_pkey PRIMARY KEY (session_id);


--
-- Name: disabled_providers disabled_providers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disabled_providers
    ADD CONSTRAINT disabled_providers_pkey PRIMARY KEY (provider);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, route, key);


--
-- Name: prompt_events prompt_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompt_events
    ADD CONSTRAINT prompt_events_pkey PRIMARY KEY (event_id);


--
-- Name: prompts prompts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompts
    ADD CONSTRAINT prompts_pkey PRIMARY KEY (prompt_id);


--
-- Name: provider_credential_leases provider_credential_leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credential_leases
    ADD CONSTRAINT provider_credential_leases_pkey PRIMARY KEY (user_id, provider);


--
-- Name: provider_credential_versions provider_credential_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credential_versions
    ADD CONSTRAINT provider_credential_versions_pkey PRIMARY KEY (user_id, provider, version);


--
-- Name: provider_credentials provider_credentials_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credentials
    ADD CONSTRAINT provider_credentials_pkey PRIMARY KEY (credential_id);


--
-- Name: provider_credentials provider_credentials_user_id_provider_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credentials
    ADD CONSTRAINT provider_credentials_user_id_provider_key UNIQUE (user_id, provider);


--
-- Name: servers servers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.servers
    ADD CONSTRAINT servers_pkey PRIMARY KEY (host);


--
-- Name: users users_decodo_proxy_port_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_decodo_proxy_port_key UNIQUE (decodo_proxy_port);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);


--
-- Name: vms vms_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.vms
    ADD CONSTRAINT vms_pkey PRIMARY KEY (vm_id);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: supabase_migrations; Owner: -
--

ALTER TABLE ONLY supabase_migrations.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: audit_log_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_user ON public.audit_log USING btree (user_id, audit_id);


--
-- Name: auth_session_events_stream; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_session_events_stream ON public.auth_session_events USING btree (session_id, event_id);


--
-- Name: auth_sessions_ended; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_sessions_ended ON public.auth_sessions USING btree (updated_at) WHERE (status <> ALL (ARRAY['pending'::text, 'ready'::text, 'awaiting_user_auth'::text]));


--
-- Name: auth_sessions_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX auth_sessions_live ON public.auth_sessions USING btree (user_id, provider) WHERE (status = ANY (ARRAY['pending'::text, 'ready'::text, 'awaiting_user_auth'::text]));


--
-- Name: auth_sessions_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX auth_sessions_user ON public.auth_sessions USING btree (user_id);


--
-- Name: idempotency_keys_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_created ON public.idempotency_keys USING btree (created_at);


--
-- Name: prompt_events_stream; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_events_stream ON public.prompt_events USING btree (prompt_id, event_id);


--
-- Name: prompts_ended; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompts_ended ON public.prompts USING btree (COALESCE(ended_at, created_at)) WHERE (status <> 'running'::text);


--
-- Name: prompts_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompts_running ON public.prompts USING btree (created_at) WHERE (status = 'running'::text);


--
-- Name: prompts_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompts_user ON public.prompts USING btree (user_id);


--
-- Name: provider_credential_versions_hash; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_credential_versions_hash ON public.provider_credential_versions USING btree (user_id, provider, sha256);


--
-- Name: provider_credentials_ending; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX provider_credentials_ending ON public.provider_credentials USING btree ((((facts ->> 'loginExpiresAt'::text))::numeric)) WHERE valid;


--
-- Name: vms_host_present; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX vms_host_present ON public.vms USING btree (host) WHERE (status <> 'destroyed'::text);


--
-- Name: vms_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX vms_user ON public.vms USING btree (user_id);


--
-- Name: auth_session_events auth_session_events_session_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.auth_session_events
    ADD CONSTRAINT auth_session_events_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.auth_sessions(session_id) ON DELETE CASCADE;


--
-- Name: prompt_events prompt_events_prompt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.prompt_events
    ADD CONSTRAINT prompt_events_prompt_id_fkey FOREIGN KEY (prompt_id) REFERENCES public.prompts(prompt_id) ON DELETE CASCADE;


--
-- Name: provider_credential_leases provider_credential_leases_user_id_provider_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credential_leases
    ADD CONSTRAINT provider_credential_leases_user_id_provider_fkey FOREIGN KEY (user_id, provider) REFERENCES public.provider_credentials(user_id, provider) ON DELETE CASCADE;


--
-- Name: provider_credential_versions provider_credential_versions_user_id_provider_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_credential_versions
    ADD CONSTRAINT provider_credential_versions_user_id_provider_fkey FOREIGN KEY (user_id, provider) REFERENCES public.provider_credentials(user_id, provider) ON DELETE CASCADE;


--
-- Name: audit_log; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: auth_session_events; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.auth_session_events ENABLE ROW LEVEL SECURITY;

--
-- Name: auth_sessions; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.auth_sessions ENABLE ROW LEVEL SECURITY;

--
-- Name: disabled_providers; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.disabled_providers ENABLE ROW LEVEL SECURITY;

--
-- Name: idempotency_keys; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: prompt_events; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.prompt_events ENABLE ROW LEVEL SECURITY;

--
-- Name: prompts; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.prompts ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_credential_leases; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_credential_leases ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_credential_versions; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_credential_versions ENABLE ROW LEVEL SECURITY;

--
-- Name: provider_credentials; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.provider_credentials ENABLE ROW LEVEL SECURITY;

--
-- Name: servers; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.servers ENABLE ROW LEVEL SECURITY;

--
-- Name: users; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

--
-- Name: vms; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.vms ENABLE ROW LEVEL SECURITY;

--
-- PostgreSQL database dump complete
--


