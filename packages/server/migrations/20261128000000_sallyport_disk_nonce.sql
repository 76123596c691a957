-- Written with each lease, here and to the machine's disk: a disk without it is a copy from another time. Null in leases from
-- before this column.
alter table sallyport.provider_credential_leases add column disk_nonce text;
