//! Commands in texts: which of their words are secrets, by the words around them.

use serde_json::json;

use super::*;

/// Commands, and the secret in each.
const TOLD: &[(&str, &str)] = &[
    ("keytool -list -keystore a.jks -storepass tulip-9x -v", "tulip-9x"),
    ("/usr/bin/keytool -genkey -storepass a1b2c3 -keypass tulip-9x", "tulip-9x"),
    ("az login --service-principal -u app -p 'tulip 9x' --tenant t", "tulip 9x"),
    ("cf login -a api.example -u ada -p tulip-9x", "tulip-9x"),
    ("oc login https://c.example -u ada -p tulip-9x", "tulip-9x"),
    ("sudo vault login tulip9xq", "tulip9xq"),
    ("ipmitool -I lanplus -H h -U ADMIN -P tulip-9x power on", "tulip-9x"),
    ("mosquitto_pub -h h -u ada -P tulip-9x -t x -m 1", "tulip-9x"),
    ("cqlsh -u ada -p tulip-9x db.example", "tulip-9x"),
    ("snmpwalk -v2c -c tulip-9x 10.0.0.1", "tulip-9x"),
    ("snmpget -v3 -u ada -A one-two-x -X tulip-9x h", "tulip-9x"),
    ("smbclient //h/s -U 'ada%tulip-9x'", "tulip-9x"),
    ("plink.exe -ssh -pw tulip-9x ada@h", "tulip-9x"),
    (r"psexec \\h -u ada -p tulip-9x cmd", "tulip-9x"),
    ("xfreerdp /u:ada /p:tulip-9x /v:h", "tulip-9x"),
    ("net user ada tulip-9x /add", "tulip-9x"),
    (r"net use Z: \\h\s tulip-9x /user:ada", "tulip-9x"),
    (r"net use \\h\s /user:ada tulip-9x", "tulip-9x"),
    ("schtasks /create /tn x /ru ada /rp tulip-9x", "tulip-9x"),
    ("Invoke-Sqlcmd -Username sa -Password tulip-x", "tulip-x"),
    ("deploy -token tulip9xq -env prod", "tulip9xq"),
    ("tool --api_key tulip9xq run", "tulip9xq"),
    ("npm config set //registry.example/:_authToken tulip-9x", "tulip-9x"),
    ("rclone config create r s3 access_key_id x secret_access_key tulip9xq", "tulip9xq"),
    ("mc alias set m https://h AKIDXX tulip9xq", "tulip9xq"),
    ("doctl auth init -t tulip9xq", "tulip9xq"),
    ("echo tulip-9x | docker login -u ada --password-stdin r.example", "tulip-9x"),
    ("cd /srv && echo 'tulip 9x' | sudo -S systemctl restart app", "tulip 9x"),
    ("passwd --stdin ada <<< tulip-9x", "tulip-9x"),
    ("openssl passwd -6 -salt ab tulip-9x", "tulip-9x"),
    ("redis-cli -h db AUTH tulip-9x", "tulip-9x"),
    ("ACL SETUSER ada on >tulip-9x ~* +@all", "tulip-9x"),
    ("rabbitmqctl -n r@h add_user ada tulip-9x", "tulip-9x"),
    ("nmcli dev wifi connect home password tulip-9x", "tulip-9x"),
    ("zip -r -P tulip-9x a.zip b", "tulip-9x"),
    ("7z x -ptulip-9x a.7z", "tulip-9x"),
    ("mongodump -u ada -ptulip-9x --out d", "tulip-9x"),
    ("proxy_set_header X-Api-Key tulip9xq;", "tulip9xq"),
    ("kadmin -q \"addprinc -pw tulip-9x ada\"", "tulip-9x"),
    ("etcdctl put /db/password tulip-9x", "tulip-9x"),
    ("sh -c 'mysqladmin -u root password tulip-9x'", "tulip-9x"),
    ("ssh h \\\n  'useradd -p \\\n tulip-9x ada'", "tulip-9x"),
    // Switches and routers.
    ("config system admin\n edit bob\n set password tulip-x\n next\nend", "tulip-x"),
    ("config user local\n edit u\n set passwd ENC tulip9xq\nend", "tulip9xq"),
    ("set password tulip9xq", "tulip9xq"),
    ("config vpn ipsec phase1-interface\n set psksecret tulip-x\nend", "tulip-x"),
    ("enable secret tulip9xq", "tulip9xq"),
    ("snmp-server user u g v3 auth sha tulip-x priv aes 128 other-x9", "tulip-x"),
    ("snmp-server user u g v3 auth sha other-x9 priv aes 128 tulip-x", "tulip-x"),
    ("line vty 0 4\n login local\n password tulip-x\n!", "tulip-x"),
    ("ppp chap password 0 tulip-x", "tulip-x"),
    ("wpa-psk ascii 0 tulip-x", "tulip-x"),
    ("tacacs server one\n address ipv4 10.0.0.1\n key 7 tulip-x", "tulip-x"),
    ("ntp authentication-key 1 md5 tulip-x", "tulip-x"),
    ("ip ftp password tulip-x", "tulip-x"),
    ("pre-shared-key local tulip-x", "tulip-x"),
    ("set system login user bob authentication plain-text-password tulip-x", "tulip-x"),
    ("set security ike policy p pre-shared-key ascii-text \"tulip-x\"", "tulip-x"),
    ("set snmp community tulip-x authorization read-only", "tulip-x"),
    ("set system radius-server 10.0.0.1 secret \"$9$tulipxq\"", "$9$tulipxq"),
    ("password manager user-name admin plaintext tulip-x", "tulip-x"),
    ("tmsh modify auth user admin password tulip-x", "tulip-x"),
];

/// Prose, and commands without a secret.
const ORDINARY: &[&str] = &[
    "the net user base grew this year /month over month",
    "net user ada /delete",
    "net user ada * /add",
    "run vault login and choose a method",
    "vault login -method=oidc role=ops",
    "please set password policy",
    "set password expiry for all users",
    "We set secret sharing rules last week.",
    "enable password rotation for the team",
    "enable secret scanning",
    "zip files with -P for parallel runs is not supported",
    "docker run --name mongo -p 27017:27017 -d mongo",
    "7z x archive.7z -o/srv",
    "echo build finished | tee log",
    "echo hello | sudo tee /etc/motd",
    "echo $TOKEN | docker login -u ada --password-stdin",
    "az login --use-device-code",
    "helm install shop ./chart -p values.yaml",
    "keytool -list -storepass $STOREPASS",
    "keytool -list -storepass:env PW",
    "snmpwalk -v2c -c <community> h",
    "mysqladmin -u root ping",
    "useradd -m -s /bin/bash ada",
    "config shop\n set timeout 30\n set password-policy enable\nend",
    "the line vty of the form\n password is required",
    "radius server settings changed / key users informed",
    "set snmp location Berlin",
    "proxy_set_header Host $host;",
    "proxy_set_header X-Api-Key $http_x_api_key;",
    "aws configure set region eu-1",
    "the -password option is read from stdin",
    "rabbitmqctl list_users",
    "the ACL setuser command is documented",
    "redis-cli -h db -p 6379 ping",
    "ip http server",
    "ntp server 10.0.0.1",
    "unzip -o a.zip -d /srv",
    "mc ls m/bucket",
    "npm config set registry https://r.example/",
    "auth users were asked for a new password today",
    "etcdctl put /shop/region eu-1",
];

fn recorded(text: &str) -> String {
    let body = json!({ "x": text }).to_string();
    let request = request("/", &[JSON], body.as_bytes());
    let record = engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    record.body.map(|body| body.value()["x"].as_str().unwrap_or_default().to_owned()).unwrap()
}

#[test]
fn secrets_of_commands_are_told_by_the_words_around_them() {
    for (text, secret) in TOLD {
        let shown = recorded(text);
        assert!(!shown.contains(secret), "{text}: {shown}");
        let first = text.split_whitespace().next().unwrap();
        assert!(shown.contains(first), "{text}: {shown}");
    }
}

#[test]
fn commands_without_a_secret_and_prose_stay() {
    for text in ORDINARY {
        assert_eq!(recorded(text), *text);
    }
}

#[test]
fn lists_of_words_are_commands() {
    let body = json!({"argv": ["ipmitool", "-H", "h", "-P", "tulip-9x", "power", "on"]});
    let request = request("/", &[JSON], body.to_string().as_bytes());
    let record = engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    let shown = record.body.unwrap().value();
    assert_eq!(shown, json!({"argv": ["ipmitool", "-H", "h", "-P", "***", "power", "on"]}));
}

#[test]
fn what_takes_too_long_to_be_read_is_not_recorded() {
    // Ordinary scripts are far below what is allowed.
    let script = "echo one two three\nset -e\n".repeat(2_000);
    let ordinary = record("/", &[JSON], json!({ "script": script }).to_string().as_bytes());
    assert_eq!(
        (ordinary.body.unwrap().value(), ordinary.notes),
        (json!({ "script": script }), vec![])
    );
    for text in ["echo ".repeat(20_000), "vault login ".repeat(40_000)] {
        let odd = record("/", &[JSON], json!({ "script": text }).to_string().as_bytes());
        assert_eq!(odd.body.unwrap().value(), json!({"script": "***"}), "{:.20}", text);
        assert_eq!(odd.notes, ["pattern_limit"]);
    }
    // Nor are words without an end gone through again and again.
    let long = format!("a {}", "vaultlogin".repeat(20_000));
    let whole = record("/", &[JSON], json!({ "text": long }).to_string().as_bytes());
    assert_eq!(whole.body.unwrap().value(), json!({ "text": long }));
}
