/* Written by `npm run database-types` from a database with all migrations. Do not edit. */

import type { LoginEvent, PromptEvent } from '@sallyport/core';
import type { CredentialFacts } from '@sallyport/core/provider';

/** The schema `sallyport` as supabase-js and PostgREST see it: rows and arguments are JSON. */
export type Database = {
  sallyport: {
    Tables: {
      api_keys: {
        Row: {
          key_id: string;
          name: string;
          role: 'service' | 'admin';
          sha256: string;
          created_at: string;
          last_used_at: string | null;
          revoked_at: string | null;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      audit_log: {
        Row: {
          audit_id: number;
          at: string;
          type: string;
          user_id: string | null;
          data: Readonly<Record<string, unknown>>;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      auth_session_events: {
        Row: { event_id: number; session_id: string; event: LoginEvent; created_at: string };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      auth_sessions: {
        Row: {
          session_id: string;
          user_id: string;
          provider: string;
          method: string;
          display: 'desktop' | 'local' | 'none';
          status: 'pending' | 'ready' | 'awaiting_user_auth' | 'completed' | 'failed' | 'cancelled';
          phase: string;
          browser_vm_id: string | null;
          cli_vm_id: string | null;
          auth_url: string | null;
          user_code: string | null;
          error_code: string | null;
          error_message: string | null;
          error_hint: string | null;
          created_at: string;
          updated_at: string;
          host: string | null;
          user_code_expires_at: string | null;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      connect_links: {
        Row: {
          link_id: string;
          user_id: string;
          external_id: string | null;
          provider: string | null;
          replace: boolean;
          return_url: string;
          state: string | null;
          token_sha256: string;
          browser_sha256: string | null;
          session_id: string | null;
          code_sha256: string | null;
          code_expires_at: string | null;
          expires_at: string;
          spent_at: string | null;
          created_at: string;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      disabled_providers: {
        Row: { provider: string; created_at: string };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      erasures: {
        Row: { user_id: string; erasure_id: string; erased_at: string };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      idempotency_keys: {
        Row: {
          user_id: string;
          route: string;
          key: string;
          body_sha256: string;
          resource_id: string;
          completed: boolean;
          created_at: string;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      migrations: {
        Row: { version: string; name: string; applied_at: string };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      prompt_events: {
        Row: { event_id: number; prompt_id: string; event: PromptEvent; created_at: string };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      prompts: {
        Row: {
          prompt_id: string;
          user_id: string;
          provider: string;
          conversation_id: string | null;
          status: 'running' | 'completed' | 'failed' | 'cancelled' | 'relogin-needed';
          created_at: string;
          ended_at: string | null;
          host: string | null;
          error_code: string | null;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      provider_credential_leases: {
        Row: { user_id: string; provider: string; vm_id: string; created_at: string; disk_nonce: string | null };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      provider_credential_versions: {
        Row: {
          user_id: string;
          provider: string;
          version: number;
          credential_id: string;
          sha256: string;
          facts: CredentialFacts;
          created_at: string;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      provider_credentials: {
        Row: {
          credential_id: string;
          user_id: string;
          provider: string;
          version: number;
          sha256: string;
          facts: CredentialFacts;
          encrypted_credentials: string;
          encryption_iv: string;
          encryption_tag: string;
          encryption_salt: string | null;
          wrapped_key: string;
          key_id: string;
          valid: boolean;
          last_verified: string | null;
          created_at: string;
          updated_at: string;
          invalid_reason: 'refused' | 'lost' | 'rolled-back' | null;
          warned_for: number | null;
          kind: string | null;
          account: string | null;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      servers: {
        Row: { host: string; epoch: number; heartbeat_at: string | null };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      users: {
        Row: {
          user_id: string;
          external_id: string | null;
          email: string | null;
          decodo_proxy_port: number | null;
          decodo_fixed_ip: string | null;
          vm_id: string | null;
          vm_ip: string | null;
          status: string;
          last_active: string;
          created_at: string;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
      vms: {
        Row: {
          vm_id: string;
          user_id: string;
          type: 'browser' | 'cli';
          vm_type: string | null;
          driver: string;
          host: string;
          vcpu_count: number;
          memory_mb: number;
          ip_address: string | null;
          tap_device: string | null;
          status: 'creating' | 'running' | 'stopping' | 'stopped' | 'hibernated' | 'lost' | 'destroyed';
          firecracker_pid: number | null;
          socket_path: string | null;
          epoch: number;
          injected: Readonly<Record<string, number>>;
          created_at: string;
          destroyed_at: string | null;
        };
        Insert: never;
        Update: never;
        Relationships: [];
      };
    };
    Views: {};
    Enums: {};
    CompositeTypes: {
      claimed_key: { body_sha256: string; resource_id: string; completed: boolean; age_ms: number };
      conversation: {
        provider: string;
        conversation_id: string;
        created_at: string;
        last_prompt_at: string;
        prompts: number;
      };
      created_prompt: { prompt: Database['sallyport']['Tables']['prompts']['Row']; event_id: number };
      journal_entry: { id: number; event: string };
      server_state: { epoch: number; is_fresh: boolean };
      session_update: { session: Database['sallyport']['Tables']['auth_sessions']['Row']; event_id: number };
    };
    Functions: {
      allot_proxy_port: { Args: { p_user_id: string; p_claim?: object | null }; Returns: number };
      append_audit: {
        Args: { p_at: string; p_type: string; p_data: object; p_user_id?: string | null; p_claim?: object | null };
        Returns: unknown;
      };
      append_credential: {
        Args: {
          p_expected_version: number;
          p_credential_id: string;
          p_user_id: string;
          p_provider: string;
          p_sha256: string;
          p_facts: object;
          p_encrypted_credentials: string;
          p_encryption_iv: string;
          p_encryption_tag: string;
          p_wrapped_key: string;
          p_key_id: string;
          p_valid: boolean;
          p_verified: boolean;
          p_encryption_salt?: string | null;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['Tables']['provider_credentials']['Row'][];
      };
      append_prompt_events: {
        Args: {
          p_prompt_id: string;
          p_events: string[];
          p_outcome?: string | null;
          p_error_code?: string | null;
          p_conversation_id?: string | null;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: number[];
      };
      beat_server: { Args: { p_host: string; p_epoch: number }; Returns: boolean };
      check_claim: { Args: { p_claim: object }; Returns: unknown };
      claim_idempotency_key: {
        Args: {
          p_user_id: string;
          p_route: string;
          p_key: string;
          p_body_sha256: string;
          p_resource_id: string;
          p_kept_seconds: number;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['CompositeTypes']['claimed_key'][];
      };
      claim_server: { Args: { p_host: string; p_expected_epoch: number }; Returns: boolean };
      complete_idempotency_key: {
        Args: { p_user_id: string; p_route: string; p_key: string; p_resource_id: string; p_claim?: object | null };
        Returns: unknown;
      };
      create_api_key: {
        Args: { p_key_id: string; p_name: string; p_role: string; p_sha256: string; p_claim?: object | null };
        Returns: Database['sallyport']['Tables']['api_keys']['Row'][];
      };
      create_connect_link: {
        Args: {
          p_link_id: string;
          p_user_id: string;
          p_replace: boolean;
          p_return_url: string;
          p_token_sha256: string;
          p_lifetime_ms: number;
          p_external_id?: string | null;
          p_provider?: string | null;
          p_state?: string | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['Tables']['connect_links']['Row'][];
      };
      create_machine: {
        Args: {
          p_vm_id: string;
          p_user_id: string;
          p_type: string;
          p_driver: string;
          p_host: string;
          p_vcpu_count: number;
          p_memory_mb: number;
          p_epoch: number;
          p_as_current: boolean;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['Tables']['vms']['Row'][];
      };
      create_prompt: {
        Args: {
          p_prompt_id: string;
          p_user_id: string;
          p_host: string;
          p_provider: string;
          p_first_event: string;
          p_conversation_id?: string | null;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['CompositeTypes']['created_prompt'][];
      };
      create_session: {
        Args: {
          p_session_id: string;
          p_user_id: string;
          p_host: string;
          p_provider: string;
          p_method: string;
          p_display: string;
          p_phase: string;
          p_browser_vm_id?: string | null;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['Tables']['auth_sessions']['Row'][];
      };
      ensure_user: {
        Args: { p_user_id: string; p_external_id?: string | null; p_claim?: object | null };
        Returns: Database['sallyport']['Tables']['users']['Row'][];
      };
      erase_credential: {
        Args: { p_user_id: string; p_provider: string; p_audit?: object | null; p_claim?: object | null };
        Returns: unknown;
      };
      erase_history: {
        Args: { p_user_id: string; p_provider?: string | null; p_claim?: object | null };
        Returns: number;
      };
      erase_idempotency_keys: { Args: { p_user_id: string; p_claim?: object | null }; Returns: unknown };
      erase_user: { Args: { p_user_id: string; p_audit?: object | null; p_claim?: object | null }; Returns: unknown };
      get_api_key: { Args: { p_key_id: string }; Returns: Database['sallyport']['Tables']['api_keys']['Row'][] };
      get_connect_link: {
        Args: { p_browser_sha256: string };
        Returns: Database['sallyport']['Tables']['connect_links']['Row'][];
      };
      get_credential: {
        Args: { p_user_id: string; p_provider: string };
        Returns: Database['sallyport']['Tables']['provider_credentials']['Row'][];
      };
      get_credential_lease: {
        Args: { p_user_id: string; p_provider: string };
        Returns: Database['sallyport']['Tables']['provider_credential_leases']['Row'][];
      };
      get_machine: { Args: { p_vm_id: string }; Returns: Database['sallyport']['Tables']['vms']['Row'][] };
      get_prompt: { Args: { p_prompt_id: string }; Returns: Database['sallyport']['Tables']['prompts']['Row'][] };
      get_server: {
        Args: { p_host: string; p_fresh_seconds: number };
        Returns: Database['sallyport']['CompositeTypes']['server_state'][];
      };
      get_session: {
        Args: { p_session_id: string };
        Returns: Database['sallyport']['Tables']['auth_sessions']['Row'][];
      };
      get_user: { Args: { p_user_id: string }; Returns: Database['sallyport']['Tables']['users']['Row'][] };
      last_erasure: { Args: { p_user_id: string }; Returns: string };
      lease_credential: {
        Args: {
          p_user_id: string;
          p_provider: string;
          p_vm_id: string;
          p_disk_nonce?: string | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['Tables']['provider_credential_leases']['Row'][];
      };
      list_api_keys: { Args: Record<string, never>; Returns: Database['sallyport']['Tables']['api_keys']['Row'][] };
      list_audit: {
        Args: {
          p_limit: number;
          p_before?: number | null;
          p_user_id?: string | null;
          p_type?: string | null;
          p_since?: string | null;
        };
        Returns: Database['sallyport']['Tables']['audit_log']['Row'][];
      };
      list_connect_links: {
        Args: { p_user_id?: string | null; p_limit?: number | null };
        Returns: Database['sallyport']['Tables']['connect_links']['Row'][];
      };
      list_conversations: {
        Args: { p_user_id: string; p_limit: number; p_after_time?: string | null; p_after_id?: string | null };
        Returns: Database['sallyport']['CompositeTypes']['conversation'][];
      };
      list_credentials: {
        Args: { p_user_id: string };
        Returns: Database['sallyport']['Tables']['provider_credentials']['Row'][];
      };
      list_credentials_ending: {
        Args: { p_before: number };
        Returns: Database['sallyport']['Tables']['provider_credentials']['Row'][];
      };
      list_credentials_under_older_keys: {
        Args: { p_key_id: string; p_limit: number; p_after_user_id?: string | null; p_after_provider?: string | null };
        Returns: Database['sallyport']['Tables']['provider_credentials']['Row'][];
      };
      list_disabled_providers: { Args: Record<string, never>; Returns: string[] };
      list_live_sessions: {
        Args: { p_host?: string | null };
        Returns: Database['sallyport']['Tables']['auth_sessions']['Row'][];
      };
      list_machines: {
        Args: { p_user_id?: string | null; p_host?: string | null };
        Returns: Database['sallyport']['Tables']['vms']['Row'][];
      };
      list_master_keys_in_use: { Args: Record<string, never>; Returns: string[] };
      list_migrations: { Args: Record<string, never>; Returns: Database['sallyport']['Tables']['migrations']['Row'][] };
      list_prompt_events: {
        Args: { p_prompt_id: string; p_after: number; p_limit: number };
        Returns: Database['sallyport']['CompositeTypes']['journal_entry'][];
      };
      list_prompts: {
        Args: { p_user_id: string; p_limit: number; p_after_time?: string | null; p_after_id?: string | null };
        Returns: Database['sallyport']['Tables']['prompts']['Row'][];
      };
      list_running_prompts: {
        Args: { p_host?: string | null };
        Returns: Database['sallyport']['Tables']['prompts']['Row'][];
      };
      list_session_events: {
        Args: { p_session_id: string; p_after: number };
        Returns: Database['sallyport']['CompositeTypes']['journal_entry'][];
      };
      list_sessions: {
        Args: { p_user_id: string; p_limit: number; p_after_time?: string | null; p_after_id?: string | null };
        Returns: Database['sallyport']['Tables']['auth_sessions']['Row'][];
      };
      next_machine_epoch: { Args: { p_vm_id: string; p_claim?: object | null }; Returns: number };
      note_api_key_use: { Args: { p_key_id: string; p_claim?: object | null }; Returns: unknown };
      note_credential_warning: {
        Args: { p_user_id: string; p_provider: string; p_login_expires_at: number; p_claim?: object | null };
        Returns: boolean;
      };
      note_injected: {
        Args: {
          p_vm_id: string;
          p_provider: string;
          p_by_holder: boolean;
          p_version?: number | null;
          p_claim?: object | null;
        };
        Returns: unknown;
      };
      open_connect_link: {
        Args: { p_token_sha256: string; p_browser_sha256: string; p_lifetime_ms: number; p_claim?: object | null };
        Returns: Database['sallyport']['Tables']['connect_links']['Row'][];
      };
      ping: { Args: Record<string, never>; Returns: boolean };
      prune_history: { Args: { p_age_seconds: number; p_limit: number; p_claim?: object | null }; Returns: number };
      prune_idempotency_keys: {
        Args: { p_kept_seconds: number; p_limit: number; p_claim?: object | null };
        Returns: number;
      };
      release_credential: {
        Args: { p_user_id: string; p_provider: string; p_vm_id: string; p_claim?: object | null };
        Returns: unknown;
      };
      release_idempotency_key: {
        Args: { p_user_id: string; p_route: string; p_key: string; p_resource_id: string; p_claim?: object | null };
        Returns: unknown;
      };
      release_server: { Args: { p_host: string; p_epoch: number }; Returns: unknown };
      remove_connect_link: { Args: { p_link_id: string; p_claim?: object | null }; Returns: unknown };
      revoke_api_key: { Args: { p_key_id: string; p_claim?: object | null }; Returns: boolean };
      rewrap_credential: {
        Args: {
          p_user_id: string;
          p_provider: string;
          p_version: number;
          p_key_id: string;
          p_wrapped_key: string;
          p_new_key_id: string;
          p_new_wrapped_key: string;
          p_new_encryption_salt?: string | null;
          p_claim?: object | null;
        };
        Returns: boolean;
      };
      seen_credential: { Args: { p_user_id: string; p_provider: string; p_sha256: string }; Returns: number };
      seen_credential_lineage: { Args: { p_user_id: string; p_provider: string; p_lineage: string }; Returns: number };
      set_connect_link_code: {
        Args: { p_link_id: string; p_code_sha256: string; p_lifetime_ms: number; p_claim?: object | null };
        Returns: boolean;
      };
      set_connect_link_session: {
        Args: { p_link_id: string; p_session_id: string; p_expected?: string | null; p_claim?: object | null };
        Returns: boolean;
      };
      set_credential_valid: {
        Args: {
          p_user_id: string;
          p_provider: string;
          p_valid: boolean;
          p_reason: string;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: unknown;
      };
      set_credential_verified: {
        Args: { p_user_id: string; p_provider: string; p_vm_id: string; p_claim?: object | null };
        Returns: unknown;
      };
      set_provider_disabled: {
        Args: { p_provider: string; p_disabled: boolean; p_claim?: object | null };
        Returns: unknown;
      };
      set_user_machine: {
        Args: { p_user_id: string; p_vm_id?: string | null; p_claim?: object | null };
        Returns: unknown;
      };
      settle_access: { Args: Record<string, never>; Returns: unknown };
      spend_connect_link: {
        Args: { p_code_sha256: string; p_claim?: object | null };
        Returns: Database['sallyport']['Tables']['connect_links']['Row'][];
      };
      update_machine: {
        Args: {
          p_vm_id: string;
          p_status?: string | null;
          p_injected?: object | null;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: boolean;
      };
      update_session: {
        Args: {
          p_session_id: string;
          p_change: object;
          p_event: string;
          p_audit?: object | null;
          p_claim?: object | null;
        };
        Returns: Database['sallyport']['CompositeTypes']['session_update'][];
      };
      write_audit: { Args: { p_entry: object }; Returns: unknown };
    };
  };
};
