-- A user's id is one CRM's, and means somebody else in another: a role is given in a scheme. Those from
-- before keep meaning the user of that id in every scheme, by an empty preset.
CREATE TABLE user_role_of_scheme (
    tenant TEXT NOT NULL REFERENCES tenant (id),
    preset TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (tenant, preset, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO user_role_of_scheme (tenant, preset, user_id, role)
SELECT tenant, '', user_id, role FROM user_role;
DROP TABLE user_role;
ALTER TABLE user_role_of_scheme RENAME TO user_role;
