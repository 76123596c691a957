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

INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-28 18:43:59.948+00', 'login.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"method": "paste", "display": "none", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-28 18:44:00.043+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "starting-machine", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '2026-11-28 18:44:00.401+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "running", "machineId": "m-hnzlxpoohsqnmoytbnsz"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '2026-11-28 18:44:00.409+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "starting-login", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '2026-11-28 18:44:00.61+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "awaiting-user", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '2026-11-28 18:44:00.673+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "storing", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '2026-11-28 18:44:00.696+00', 'credential.stored', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"reason": "login", "version": 1, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '2026-11-28 18:44:00.705+00', 'login.phase', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"phase": "cleaning-up", "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '2026-11-28 18:44:00.709+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "stopping", "machineId": "m-hnzlxpoohsqnmoytbnsz"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '2026-11-28 18:44:00.787+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "browser", "state": "destroyed", "machineId": "m-hnzlxpoohsqnmoytbnsz"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '2026-11-28 18:44:00.795+00', 'login.completed', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"version": 1, "provider": "fake", "sessionId": "0043260b-6b3d-403a-bfc4-3db28b6dc4d1"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '2026-11-28 18:44:00.817+00', 'prompt.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"promptId": "daf6f6de-3190-4ef4-9f73-b5237e99b1a0", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '2026-11-28 18:44:00.875+00', 'credential.injected', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"version": 1, "provider": "fake", "machineId": "m-7c3hdywon632djr6ix4r"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '2026-11-28 18:44:01.156+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "running", "machineId": "m-7c3hdywon632djr6ix4r"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (15, '2026-11-28 18:44:01.319+00', 'prompt.ended', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"outcome": "completed", "promptId": "daf6f6de-3190-4ef4-9f73-b5237e99b1a0", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (16, '2026-11-28 18:44:01.341+00', 'prompt.started', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"promptId": "a99ccb9f-24af-44a4-a064-83511fd5e723", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (17, '2026-11-28 18:44:01.467+00', 'prompt.ended', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"outcome": "completed", "promptId": "a99ccb9f-24af-44a4-a064-83511fd5e723", "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (18, '2026-11-28 18:44:01.5+00', 'credential.stored', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"reason": "rotation", "version": 2, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (19, '2026-11-28 18:44:01.511+00', 'credential.stored', '1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', '{"reason": "import", "version": 1, "provider": "fake"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (20, '2026-11-28 18:44:01.519+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "stopping", "machineId": "m-7c3hdywon632djr6ix4r"}');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (21, '2026-11-28 18:44:01.557+00', 'machine.state', 'a5baeb59-f80c-5405-a087-99050c68441c', '{"role": "cli", "state": "stopped", "machineId": "m-7c3hdywon632djr6ix4r"}');


--
-- Data for Name: auth_session_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (1, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"phase","status":"pending","phase":"starting-machine","message":"Starting a private machine for this login."}', '2026-11-28 18:44:00.026911+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (2, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"progress","message":"A machine has been reserved.","status":"pending","phase":"starting-machine"}', '2026-11-28 18:44:00.057226+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (3, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"phase","status":"pending","phase":"starting-login","message":"The provider''s own tool is starting the login."}', '2026-11-28 18:44:00.403243+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (4, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"prompt","message":"Code","data":{"promptId":"code","kind":"code","secret":true,"choices":[]},"status":"pending","phase":"starting-login"}', '2026-11-28 18:44:00.586938+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (5, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"url","message":"Open the sign-in page.","data":{"url":"http://127.0.0.1:42719/login.fake.test/authorize?response_type=code&redirect_uri=https%3A%2F%2Flogin.fake.test%2Fcode&state=Jus8GdMlzzi-XZRaLd3A9w","userCode":null},"status":"pending","phase":"starting-login"}', '2026-11-28 18:44:00.594555+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (6, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"phase","status":"awaiting_user_auth","phase":"awaiting-user","message":"Sign in on the provider''s page."}', '2026-11-28 18:44:00.607013+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (7, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"phase","status":"awaiting_user_auth","phase":"storing","message":"Encrypting and storing the login."}', '2026-11-28 18:44:00.66991+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (8, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"phase","status":"awaiting_user_auth","phase":"cleaning-up","message":"Removing the login machine."}', '2026-11-28 18:44:00.702428+00');
INSERT INTO public.auth_session_events OVERRIDING SYSTEM VALUE VALUES (9, '0043260b-6b3d-403a-bfc4-3db28b6dc4d1', '{"type":"done","status":"completed","phase":"completed","message":"Connected."}', '2026-11-28 18:44:00.789808+00');


--
-- Data for Name: auth_sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.auth_sessions VALUES ('0043260b-6b3d-403a-bfc4-3db28b6dc4d1', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 'paste', 'none', 'completed', 'completed', 'm-hnzlxpoohsqnmoytbnsz', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-28 18:43:59.945979+00', '2026-11-28 18:44:00.789808+00');


--
-- Data for Name: disabled_providers; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: prompt_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (1, 'daf6f6de-3190-4ef4-9f73-b5237e99b1a0', '{"type":"prompt-start","promptId":"daf6f6de-3190-4ef4-9f73-b5237e99b1a0","provider":"fake"}', '2026-11-28 18:44:00.813703+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (2, 'daf6f6de-3190-4ef4-9f73-b5237e99b1a0', '{"type":"machine","state":"starting","message":"Your machine is being started."}', '2026-11-28 18:44:00.819683+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (3, 'daf6f6de-3190-4ef4-9f73-b5237e99b1a0', '{"type":"conversation","conversationId":"a6aec2191161"}', '2026-11-28 18:44:01.295893+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (4, 'daf6f6de-3190-4ef4-9f73-b5237e99b1a0', '{"type":"text","text":"You said: write notes.txt"}', '2026-11-28 18:44:01.306538+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (5, 'daf6f6de-3190-4ef4-9f73-b5237e99b1a0', '{"type":"prompt-end","outcome":"completed"}', '2026-11-28 18:44:01.317406+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (6, 'a99ccb9f-24af-44a4-a064-83511fd5e723', '{"type":"prompt-start","promptId":"a99ccb9f-24af-44a4-a064-83511fd5e723","provider":"fake"}', '2026-11-28 18:44:01.329997+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (7, 'a99ccb9f-24af-44a4-a064-83511fd5e723', '{"type":"conversation","conversationId":"72e3774cca53"}', '2026-11-28 18:44:01.441634+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (8, 'a99ccb9f-24af-44a4-a064-83511fd5e723', '{"type":"text","text":"You said: rotate"}', '2026-11-28 18:44:01.447562+00');
INSERT INTO public.prompt_events OVERRIDING SYSTEM VALUE VALUES (9, 'a99ccb9f-24af-44a4-a064-83511fd5e723', '{"type":"prompt-end","outcome":"completed"}', '2026-11-28 18:44:01.46569+00');


--
-- Data for Name: prompts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.prompts VALUES ('daf6f6de-3190-4ef4-9f73-b5237e99b1a0', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', NULL, 'completed', '2026-11-28 18:44:00.813703+00', '2026-11-28 18:44:01.317406+00');
INSERT INTO public.prompts VALUES ('a99ccb9f-24af-44a4-a064-83511fd5e723', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', NULL, 'completed', '2026-11-28 18:44:01.329997+00', '2026-11-28 18:44:01.46569+00');


--
-- Data for Name: provider_credential_leases; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: provider_credential_versions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.provider_credential_versions VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 1, '44f0f9aa-2045-4c87-994a-d74b3c18a8ed', 'e3878383e76abea07aa1861bee892504ee34ea2f946cd8b20ac780c20c64cb4f', '{"kind": "plan", "blank": false, "account": "person@fake.test", "issuedAt": 1795891440622}', '2026-11-28 18:44:00.690318+00');
INSERT INTO public.provider_credential_versions VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 2, '44f0f9aa-2045-4c87-994a-d74b3c18a8ed', '09c6a70273ac27a7f7ece9b0890437e4cceeca3d6eaa11818a21f237686bd3eb', '{"kind": "plan", "blank": false, "account": "person@fake.test", "issuedAt": 1795891441432}', '2026-11-28 18:44:01.492215+00');
INSERT INTO public.provider_credential_versions VALUES ('1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'fake', 1, '32b54342-32b6-4cfd-9ad6-9ee94c21261d', '2657b93b5af1c1f96bb255282d26f35b666093ea9435c159bdb3ae782585119c', '{"kind": "api-key", "blank": false, "rotates": false}', '2026-11-28 18:44:01.506271+00');


--
-- Data for Name: provider_credentials; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.provider_credentials VALUES ('44f0f9aa-2045-4c87-994a-d74b3c18a8ed', 'a5baeb59-f80c-5405-a087-99050c68441c', 'fake', 2, '09c6a70273ac27a7f7ece9b0890437e4cceeca3d6eaa11818a21f237686bd3eb', '{"kind": "plan", "blank": false, "account": "person@fake.test", "issuedAt": 1795891441432}', '\xa3064d4fc80ead501240d14ef99e6d70296df15a5f3ed7336b0d7a9cc16675239c0370579a5663c127ba6dd522fa4748f899a24b8ac458688dedc4866f4a7a00d8397e2aec154559ed21bc50675590ada13e977bd4c5f9daa95d518781b295ffbffe3ff0b26546d374b605dfc3713cbe722a5c6556cad10b7215d7967a40fb6175b94566f475e9bd177e93dbc64bdd03f8968ba1f69d9a16a719cafd086fbce4f7029cad5996e71896f0f12cc8b2e433d40dcfa64b7c45a1a2c9c6d297665c4812709b73559e46bd028f2b3e550c073baa76e85ba9e61edb8ccc810505a9104b0acda5d72f172620d0f8710ba972dd0646d050c1014547bb17f998a2418d8a1d1e9f90ee42f080486564b6f78b274bf32a084624b8bc47a72a74e3345d799fc85cc2a2df157e410ea213001c21877e682e4d64ff7082c80141409b1d341878d859633b1409f88374951a021f95f7b7c936e75869435cdd56e0fe1c2eaa22e35e755cd9220468bf5de35413a9fdaa0b0519f75e171d023b4a7f66af4ce4dacaed2de80f715271c5dea0e70f09367cf45c6cd009cde136fcfae7a46b80c237de078fef8e19037bd084121b304c79e0651d9e672e7796b37f0497c981595a0a910d7671838061a54e48373b4a4a5eef60bc562c68b8fa6e6f67798c95c7989e48b3aac07edc2d3f61ac41db1a50419d456e79cf59c41b2f7458bd2fd72d50606e41bb7eb303fd225d9e9ddb73ab068bae4f8308635133714122eabb1bcd283fab988dca3623766122264667f3adf6c8afe4a21f5209086aedd25f8cca4faf82f1519394da68daebcf9802980ca19efac78529e2f209f1585ad5a740ea61eccb16d93da9842b0019277506e6cd8ef1a87fb89a14750373e21e4b1c1f6e19ece8f0363a5ecfb1f1bd163b58ba2bca76b2d839a5f2b7a759366e1ae1cee8acc20e9072b3825419bc2da05f3e2df5a208d0b4bf58625e86234b57d8b245923336efead4ebd0ebe9d752ca6a2c949e18b1055f36c7d0ba647c931974dbb7c2327522015dcd33f0a988727b9bab27c797fbbac9d0627bd392fa50b5f347c52296d5b19c0a4b1a4ad85c52ef46a29bb126380a5d0c1dd1e1245409ce675f27c7fa673fd1412bb3cad71de3b9a8611cbfd6592533da67f7a944fe2fd7b43e5c864eab07facccf910d3b1ef4509859a3b402c654df17f7daa69c41f5769930cc77b95b68d2fd41f83e5f77922044c03232b94cb4ac6ea25b94355daf02abe1f719455165d2f755367ca2d3f15c190b7ad983947ad0c74bdf93bc543de93e8faca8483c44ee2390a89d2d5d1065ad3ce494d8af493bf456f43be0028d59361430b87084dc472ccfca568ddf1eb5d433207eb7d36e98610f8960612365d4e83eff42bd09476f50be05bf2f26da60a5970bf2a1545f294d3a3127dda3f08885441751d295c7ac69', '/NCAe5kRXb5NWsQs', 'Zt3XJe0pM0jzjdkH7UycUQ==', 'Z1spWimm7EhmMdmM9uSKI1WWIsEYSt+gDGMIC9a4twQ=', '\xdafedd668a5c7b12a9202a8bac4a356472bc4501ae05fed7899e5970360ae1ae25c3940f505e0dc535682956189b0dedb52174901c7877341159a204', '2026-11-28-941866dd', true, '2026-11-28 18:44:01.492215+00', '2026-11-28 18:44:00.690318+00', '2026-11-28 18:44:01.492215+00', NULL, NULL);
INSERT INTO public.provider_credentials VALUES ('32b54342-32b6-4cfd-9ad6-9ee94c21261d', '1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'fake', 1, '2657b93b5af1c1f96bb255282d26f35b666093ea9435c159bdb3ae782585119c', '{"kind": "api-key", "blank": false, "rotates": false}', '\xbc5116c2a2ae3cbb35171cd825ce4355bb277de9afd1581407bd01eafe087ff711eac04da345989ad63845f4e89ca29d6bdf83f58610ca6f250ebd6c5fbdd736a60a1521157ed5d4ce013c77efc5b59669e7f6c85fab18252a09ff34ed3bc41c7b9fe7c6b33730dddb9d52b4f55331d50d4e49126a8c257c61955abe3640c4d9c935ad6d8bf6c42fcdc0b5e9dc299c95f377c95d399e2ff3018789b9f1150a13f9aaa9774363e0ca86a00ebbce65bd6d15e07b9cea841420f4d9668a50c4f5f65cd55b40ebda34c37b0c1efa51040d8f67704c5cbb74903230296928506a0dd5231efabbf814d21d04f682e863992e1e3279ea15f015efa9d4a19d2ebdf40b9569d4705531196d3c418b9c8e0404869a2a5fce64ed4f0a0bac419a23754875ed924d226c722f08ff049f3e2a9a34216b210c3d0f35c6da7b1bb3dffd976e874087e5d65f018bb1b22f7e8bd9a427f9cf7c609deef0294770bce8e449fecacff53fc5948bdd9e19dc0af7733ff133bd06cb7d074e8ef826e732152288f69110bde16ad2d4e857ee463d557cf56bafadcac39ee99c6fdb18f5c654c2ff1ad7e3b6ab67fabfcbac1f389bc57bd5c69ed1f1bf990454142a066b835996a08426f6e33ce5d9cdc31e1e6b8d925a6cc981be41079b744b4cecf77f4ac601ab48c1d8434e2966d8c7459bc70cf3aa0d14aa0fb25bc38eb701a8a71cb960757a475d621c1963639d7f0ed56d149a08329e3f0dd3aaa871f56b084887b46adb4fe7a0fc37d082ec9b861bcf675ad2e75f3accf2e599fcfc35fdb290a0f0ea1df07d33f59243c4c9c7cb6f12ad606068cce1687e6b6ef16e6c614e8ac4aaff94c6aa5e1eb401c5311f4a28d389909d7a49264161cb19d2ef93409aaedaa8e8add45b4abc7ddd0a12839b938cbca6108cf3b066133a79b1b19b41b30cc582a665bcb397c7b5d199f2ea1be5b888fa2bded6f57df948d36a81b592cc4719d5cfc42c094f3d977d893526582ff65bc5f84dae85a0d7419951af11568ebdbb7d50a1dc56b0aaa8c991508e521a334fc7cf8b6cf63c3aec0fbb903b05c8b433997cf842f321151da61ef444f8aeaf6a16bb71b3ddc8810b43e7b33c3a7ff7132955940c0bbe15ff4a288cee52bcd577e4dd12816de2a722c86523bfc04072c1d7d9602203e46a5b008c998e43580f84b45fd56a5e6b87e6523fb5252317f32520d8dea5520063e28369b20f454dba76356d44e6ed75dcbd852399467abe084a9af7a8d81212b1f783a894f7d775cd31f4b7f5b1235299fd353df704d43f2c181e5872e5d9563cd35e89b95f8ba561667b2de5d42452dc592de7a30481f6d19a1af1222fc0974d92c7cb922ca7f6a4b43ad859efe39d01a22945fafe04eb6033a76bb79e37486d9aab2267af4dbc1b81554593789ea3d8a2ebe5e43dac25a60edfb2ceb64b0c74be', 'cwWkd73vPMP3KMuC', 'dW45eiHyJLs9EE9/+oKb0A==', 'E93oI+0azllUMe7lsdfHdW6O+fvbL13bBeaJ/c7I+Fk=', '\x79a12a956a3de6f3d8af7e35acc68914d90da4807cf025738aeb65c43e075b3bb7496bc0d15df5c92aca17724ec3a6cf7d2477b5599a9520e0f95aec', '2026-11-28-941866dd', true, NULL, '2026-11-28 18:44:01.506271+00', '2026-11-28 18:44:01.506271+00', NULL, NULL);


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES ('a5baeb59-f80c-5405-a087-99050c68441c', 'ada', NULL, 10001, NULL, 'm-7c3hdywon632djr6ix4r', NULL, 'active', '2026-11-28 18:43:59.935696+00', '2026-11-28 18:43:59.935696+00');
INSERT INTO public.users VALUES ('1bb0b0b1-9f29-59a8-a463-bd1d364c1d4c', 'grace', NULL, 10002, NULL, NULL, NULL, 'active', '2026-11-28 18:44:01.491582+00', '2026-11-28 18:44:01.491582+00');


--
-- Data for Name: vms; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.vms VALUES ('m-hnzlxpoohsqnmoytbnsz', 'a5baeb59-f80c-5405-a087-99050c68441c', 'browser', NULL, 'process', '@host@', 1, 256, NULL, NULL, 'destroyed', NULL, NULL, 1, '{}', '2026-11-28 18:44:00.054656+00', '2026-11-28 18:44:00.785047+00');
INSERT INTO public.vms VALUES ('m-7c3hdywon632djr6ix4r', 'a5baeb59-f80c-5405-a087-99050c68441c', 'cli', NULL, 'process', '@host@', 1, 384, NULL, NULL, 'stopped', NULL, NULL, 1, '{"fake": 2}', '2026-11-28 18:44:00.822441+00', NULL);


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
-- Name: auth_sessions_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX auth_sessions_live ON public.auth_sessions USING btree (user_id, provider) WHERE (status = ANY (ARRAY['pending'::text, 'ready'::text, 'awaiting_user_auth'::text]));


--
-- Name: prompt_events_stream; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompt_events_stream ON public.prompt_events USING btree (prompt_id, event_id);


--
-- Name: prompts_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX prompts_running ON public.prompts USING btree (created_at) WHERE (status = 'running'::text);


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


