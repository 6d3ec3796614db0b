//! Collections of secrets whose names are no word for a secret: vaults, and what programs are given to run
//! with.

use super::looks::words;
use super::walk::is_one_of;

/// The collections, squashed.
const STORES: [&str; 16] = [
    "vault",
    "vaults",
    "keychain",
    "keyring",
    "credential",
    "credentials",
    "variable",
    "variables",
    "envvar",
    "envvars",
    "environmentvariable",
    "environmentvariables",
    "configvar",
    "configvars",
    "secretvariable",
    "secretvariables",
];

/// What else stands in the name of a call: what is done with them, and whose they are.
const AROUND: [&str; 56] = [
    "add",
    "api",
    "app",
    "application",
    "batch",
    "build",
    "bulk",
    "ci",
    "cluster",
    "collection",
    "container",
    "create",
    "delete",
    "deployment",
    "edit",
    "environment",
    "function",
    "global",
    "group",
    "host",
    "import",
    "insert",
    "instance",
    "job",
    "many",
    "new",
    "organization",
    "patch",
    "pipeline",
    "project",
    "put",
    "remove",
    "replace",
    "repo",
    "repository",
    "runtime",
    "save",
    "secure",
    "service",
    "set",
    "shared",
    "site",
    "space",
    "stack",
    "stage",
    "step",
    "synthetics",
    "task",
    "team",
    "tenant",
    "update",
    "upsert",
    "user",
    "workflow",
    "workspace",
    "write",
];

/// Members that hold such a collection, by names that anybody gave.
const MAPS: [&str; 2] = ["env", "vars"];

/// Whether a name, without what is done and whose it is, is that of a collection of secrets:
/// `createProjectVariable`, `variable_upsert`.
pub(super) fn is_store(name: &str) -> bool {
    let stores = words(name).filter(|word| !is_one_of(word, &AROUND));
    let store: String = stores.collect();
    is_one_of(&store, &STORES)
}

/// Whether a member holds such a collection, by names that anybody gave: `{"variables": {"DB": "x"}}`.
pub(super) fn is_map(name: &str) -> bool {
    is_store(name) || is_one_of(name, &MAPS)
}

#[cfg(test)]
mod tests {
    use super::is_store;

    #[test]
    fn collections_of_secrets_are_told_by_their_names() {
        for name in ["variableUpsert", "variableCollectionUpsert", "SetEnvironmentVariables"] {
            assert!(is_store(name), "{name}");
        }
        for name in ["createWorkspaceVariable", "createApiCredential", "addStackEnvVar"] {
            assert!(is_store(name), "{name}");
        }
        for name in ["addEnvVar", "env_vars", "ci-variables", "updateCredential", "config_vars"] {
            assert!(is_store(name), "{name}");
        }
        for name in [
            "createTemplateVariable",
            "createEnvironment",
            "setTheme",
            "create",
            "variableType",
            "",
            "vault_id",
        ] {
            assert!(!is_store(name), "{name}");
        }
    }
}
