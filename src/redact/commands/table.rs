//! The words of commands, and where in them the secret stands.

/// One form a line, in words:
///
/// - `a|b`: one of these words, in any case; `a*` and `*a` are words that begin and end so;
/// - `*`: any one word; `..`: any number of words; `#`: what tells how the secret is written, or nothing;
/// - `@`: a word that is the name of a secret, by the rules;
/// - `$`: the secret; `$~`: the same, if it is no plain word; `-p$`, `*%$`: the secret is the rest of the word;
/// - `^`: the command begins here; `.`: it ends here; `|`: the next one reads what this one writes;
///   `/`: one of the next lines.
pub(super) const FORMS: &[&str] = &[
    // Programs that sign in.
    "az|cf|oc|ibmcloud|helm|crane login .. -p|--password $",
    "cf auth * $",
    "vault login $~",
    "vault unwrap $~",
    "vault operator unseal $~",
    "doctl auth init .. -t|--access-token $",
    "gh auth login .. --with-token .. <<< $",
    "npm|yarn|pnpm config set *:_authToken|*:_password|*:_auth|_authToken|_auth $",
    "npm set *:_authToken|*:_password|*:_auth|_authToken|_auth $",
    "rclone config create|update .. @ $",
    "aws configure set @ $",
    "mc alias set * * * $",
    "mc config host add * * * $",
    // Secrets that are piped.
    "echo|printf .. $ | docker|podman|nerdctl|helm|skopeo|buildah|oras|crane|regctl login .. --password-stdin",
    "echo|printf .. $ | sudo .. -S|-kS|-Sk|--stdin",
    "echo|printf .. $ | passwd|smbpasswd|vncpasswd|kinit|cryptsetup",
    "passwd|kinit|cryptsetup|su .. <<< $",
    // Options of programs.
    "keytool|jarsigner .. -storepass|-keypass|-srcstorepass|-deststorepass|-srckeypass|-destkeypass $",
    "ipmitool .. -P $",
    "mosquitto_pub|mosquitto_sub .. -P|--pw $",
    "cqlsh .. -p $",
    "snmpwalk|snmpget|snmpset|snmpgetnext|snmpbulkwalk|snmpbulkget|snmptrap|snmptable .. -c|-A|-X $",
    "smbclient|rpcclient|winexe|smbget|wmic .. -U *%$",
    "plink|pscp|psftp|putty .. -pw $",
    "psexec|psexec64|paexec .. -p $",
    "xfreerdp|xfreerdp3|wlfreerdp|sdl-freerdp .. /p:$",
    "evil-winrm|crackmapexec|netexec|nxc .. -p $",
    "net user * $ /*",
    "net user * $~",
    "net use * $ /user:*",
    "net use * * $ /user:*",
    "net use .. /user:* $",
    "schtasks .. /rp $",
    "dsmod|dsadd .. -pwd $",
    "sc config|create .. password= $",
    "zip|unzip .. -P $",
    "7z|7za|7zr|7zz .. -p$",
    "rar|unrar .. -p$",
    "rar|unrar .. -hp$",
    "mongodump|mongorestore|mongoexport|mongoimport|mongosh .. -p$",
    "mysqladmin .. password $",
    "impdp|expdp|sqlldr */$",
    "lftp .. -u *,$",
    "useradd|usermod .. -p $",
    "ssh-keygen .. -N|-P $",
    "wpa_passphrase * $",
    "openssl passwd .. $~ .",
    "addprinc|add_principal|ank|cpw .. -pw $",
    "redis-cli .. AUTH $ .",
    "redis-cli .. AUTH * $ .",
    "ACL SETUSER .. >$",
    "rabbitmqctl .. add_user|change_password|authenticate_user * $",
    "nmcli .. password|*.psk|*.password $",
    "grafana-cli|grafana .. reset-admin-password $",
    "drush upwd|user-password|user:password * $",
    "etcdctl put|set @ $",
    "consul kv put @ $",
    // Options of any program.
    "-password|-passwd|-passphrase|-pwd $",
    "-token|-secret|-pass|-apikey|-api-key|-accesskey|-secretkey|-accesstoken $~",
    "--api_key|--access_token|--auth_token|--secret_key|--access_key|--client_secret|--auth|--pass|--pwd $~",
    // Servers that hand a header on.
    "proxy_set_header|grpc_set_header|uwsgi_param|fastcgi_param|add_header|header_up @ $",
    // Switches and routers: Fortinet's.
    "^ config .. / ^ set password|passwd|secret|psksecret|auth-pwd|priv-pwd|ppk-secret|server-key # $ .",
    "^ set passwd|psksecret # $ .",
    "^ set password|secret # $~ .",
    // Cisco's, and of those who took over its words.
    "enable secret|password # $~",
    "snmp-server user .. auth md5|sha|sha-1|sha-224|sha-256|sha-384|sha-512|sha1|sha256 # $",
    "snmp-server user .. priv des|3des|des56|aes|aes-128|aes128|aes-256|aes256 $",
    "snmp-server user .. priv aes 128|192|256 $",
    "^ line vty|con|console|aux|tty .. / ^ password|secret # $ .",
    "ppp chap|pap .. password # $",
    "wpa-psk ascii|hex # $",
    "wpa-passphrase # $ .",
    "^ tacacs|radius server * / ^ key # $ .",
    "ntp authentication-key * md5|sha1|sha2|sha256|hmac-sha2-256|cmac-aes-128 # $",
    "ip ftp|http|scp password # $",
    "ip http client password # $",
    "pre-shared-key local|remote # $ .",
    "pre-shared-key ascii-text|hexadecimal|hex|ascii $",
    "pre-shared-key address * .. key # $",
    "standby|vrrp|glbp * authentication text $",
    "standby|vrrp|glbp * authentication $~ .",
    // Juniper's and VyOS's.
    "plain-text-password|plaintext-password $ .",
    "set snmp community $ authorization|clients|view|routing-instance|client-list-name",
    "set service snmp community $",
    "radius-server|tacplus-server|radius|tacacs .. secret $~",
    // Aruba's and F5's.
    "password manager|operator .. plaintext|sha1|sha256 $",
    "radius-server|tacacs-server .. key plaintext|ciphertext|encrypted $",
    "auth user * .. password $",
];
