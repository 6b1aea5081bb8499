package projectfiles

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func parse(t *testing.T, name string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(read(t, name), into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type service struct {
	Image       string
	Build       any
	User        string
	Restart     string
	ReadOnly    bool     `yaml:"read_only"`
	Privileged  bool     `yaml:"privileged"`
	NetworkMode string   `yaml:"network_mode"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
	Environment map[string]string
	Ports       []string
	Networks    []string
	Volumes     []string
	Secrets     []string
	Command     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct {
		Test                                 []string
		Interval, Timeout, Retries, Disabled string
		StartPeriod                          string `yaml:"start_period"`
	}
	Deploy struct {
		Resources struct {
			Limits struct{ CPUs, Memory, Pids string }
		}
	}
}

type compose struct {
	Services map[string]service
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
	Configs  map[string]struct{ File string }
	Secrets  map[string]struct{ File, Environment string }
}

// databases are the services that nobody outside may reach.
var databases = []string{"mongodb", "meilisearch"}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	parse(t, "docker-compose.yml", &c)
	want := append([]string{"prassi"}, databases...)
	for _, name := range want {
		if _, ok := c.Services[name]; !ok {
			t.Fatalf("docker-compose.yml lacks the service %s", name)
		}
	}
	return c
}

func TestComposeServicesAreHardened(t *testing.T) {
	for name, s := range readCompose(t).Services {
		check := func(ok bool, what string) {
			t.Helper()
			if !ok {
				t.Errorf("%s: %s", name, what)
			}
		}
		check(len(s.Healthcheck.Test) > 1 && s.Healthcheck.Test[0] == "CMD", "has no health check without a shell")
		check(s.Healthcheck.Interval != "" && s.Healthcheck.Timeout != "" && s.Healthcheck.Retries != "" && s.Healthcheck.StartPeriod != "",
			"its health check has no bounds")
		limits := s.Deploy.Resources.Limits
		check(limits.CPUs != "" && limits.Memory != "" && limits.Pids != "", "has no limits of processor, memory and processes")
		check(s.ReadOnly, "its file system is writable")
		check(slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0 && !s.Privileged, "keeps capabilities")
		check(slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "may gain privileges")
		check(s.Restart == "unless-stopped", "is not started again after a crash")
		check(s.NetworkMode == "", "leaves the private network")
		check(len(s.Volumes) > 0, "keeps nothing")
		tag := regexp.MustCompile(`:[^/]+$`).FindString(s.Image)
		check(tag != "" && tag != ":latest", "its image has no version")
	}
}

func TestComposeVolumesAreNamed(t *testing.T) {
	c := readCompose(t)
	used := map[string]bool{}
	for name, s := range c.Services {
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, ok := c.Volumes[source]; !ok {
				t.Errorf("%s: %s is no named volume", name, volume)
			}
			used[source] = true
		}
	}
	for name := range c.Volumes {
		if !used[name] {
			t.Errorf("the volume %s is not used", name)
		}
	}
}

func TestComposePublishesOnlyPrassiOnLoopback(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		for _, port := range s.Ports {
			if name != "prassi" || !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s", name, port)
			}
		}
		if len(s.Networks) == 0 {
			t.Errorf("%s is on the default network", name)
		}
	}
	if len(c.Services["prassi"].Ports) != 1 {
		t.Errorf("prassi publishes %v, want one port", c.Services["prassi"].Ports)
	}
	for _, name := range databases {
		for _, network := range c.Services[name].Networks {
			if !c.Networks[network].Internal {
				t.Errorf("%s is on %s, which leads outside", name, network)
			}
		}
	}
}

func TestComposeWaitsForHealth(t *testing.T) {
	depends := readCompose(t).Services["prassi"].DependsOn
	for _, name := range databases {
		if depends[name].Condition != "service_healthy" {
			t.Errorf("prassi does not wait until %s is healthy", name)
		}
	}
}

// TestComposeSettingsExist: what Prassi is given is what it reads; a test of the
// program holds the operators' guide to its flags.
func TestComposeSettingsExist(t *testing.T) {
	guide := string(read(t, "docs/operators.md"))
	for name := range readCompose(t).Services["prassi"].Environment {
		if !strings.Contains(guide, "`"+name+"`") {
			t.Errorf("docs/operators.md knows no setting %s", name)
		}
	}
}

func TestComposeConfigsExist(t *testing.T) {
	configs := readCompose(t).Configs
	if len(configs) == 0 {
		t.Fatal("MongoDB would run without Prassi's own user")
	}
	for name, config := range configs {
		if content := string(read(t, config.File)); strings.TrimSpace(content) == "" {
			t.Errorf("the config %s is empty", name)
		}
	}
}

// variable is one substitution: ${NAME}, ${NAME:-default}, ${NAME:?reason} or
// ${NAME:+instead}.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)(?:(:?[-?+])([^}]*))?\}`)

// secretName is what a variable that holds a secret is called.
var secretName = regexp.MustCompile(`PASSWORD|SECRET|_KEY$|TOKEN|PRASSI_STORE$`)

// secretsOf says which secrets a service may see, and no other.
var secretsOf = map[string][]string{
	"prassi":      {"mail_password", "meili_master_key", "oidc_client_secret", "prassi_store"},
	"mongodb":     {"mongo_prassi_password", "mongo_root_password"},
	"meilisearch": {"meili_master_key"},
}

// TestComposeSecretsAreFiles: no secret is in the file, in .env or in a variable
// of a container, where docker inspect and /proc/PID/environ show it to whoever
// looks. Each is a file that only its services see.
func TestComposeSecretsAreFiles(t *testing.T) {
	c := readCompose(t)
	for _, v := range variable.FindAllStringSubmatch(string(read(t, "docker-compose.yml")), -1) {
		if secretName.MatchString(v[1]) {
			t.Errorf("%s comes from .env", v[1])
		}
	}
	for name, s := range c.Services {
		slices.Sort(s.Secrets)
		if !slices.Equal(s.Secrets, secretsOf[name]) {
			t.Errorf("%s sees the secrets %q, want %q", name, s.Secrets, secretsOf[name])
		}
		used := map[string]bool{}
		for key, value := range s.Environment {
			if setting, ok := strings.CutSuffix(key, "_FILE"); !ok && secretName.MatchString(key) {
				t.Errorf("%s: the variable %s holds a secret; let %s_FILE name its file", name, key, key)
			} else if ok && secretName.MatchString(setting) {
				path := variable.ReplaceAllString(value, "$3") // ${ISSUER:+path}
				used[strings.TrimPrefix(path, "/run/secrets/")] = true
			}
		}
		for _, found := range regexp.MustCompile(`/run/secrets/(\w+)`).FindAllStringSubmatch(strings.Join(s.Command, " "), -1) {
			used[found[1]] = true
		}
		for _, secret := range s.Secrets {
			if !used[secret] {
				t.Errorf("%s sees the secret %s and does not use it", name, secret)
			}
			delete(used, secret)
		}
		for path := range used {
			t.Errorf("%s reads %s, which it does not see", name, path)
		}
	}
	for name, secret := range c.Secrets {
		if secret.File != "./secrets/"+name {
			t.Errorf("the secret %s is in %+v", name, secret)
		}
	}
	for _, ignore := range []string{".gitignore", ".dockerignore"} {
		if !regexp.MustCompile(`(?m)^/?secrets/?$`).Match(read(t, ignore)) {
			t.Errorf("%s lets the secrets out", ignore)
		}
	}
}

// TestScriptMakesTheSecrets: scripts/secrets makes every secret that the compose
// file names, tells none, and replaces none.
func TestScriptMakesTheSecrets(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "secrets")
	run := func() string {
		out, err := exec.Command(filepath.Join(root, "scripts/secrets"), folder).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	said := run()
	made := map[string]string{}
	for name := range readCompose(t).Secrets {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
			continue
		}
		made[name] = string(content)
		if len(content) > 0 && strings.Contains(said, string(content)) {
			t.Errorf("the script tells the secret %s", name)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != len(made) {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into the folder: %v, %v", info.Mode(), err)
	}
	for _, name := range []string{"mongo_root_password", "mongo_prassi_password", "meili_master_key"} {
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(made[name]) {
			t.Errorf("%s is %q", name, made[name])
		}
	}
	if made["mongo_root_password"] == made["mongo_prassi_password"] {
		t.Error("two services share a password")
	}
	if want := "mongodb://prassi:" + made["mongo_prassi_password"] + "@mongodb:27017/prassi?authSource=prassi"; made["prassi_store"] != want {
		t.Error("Prassi would not sign in to MongoDB with the password that MongoDB is given")
	}
	run()
	for name, before := range made {
		if after, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(after) != before {
			t.Errorf("a second run replaces %s (%v)", name, err)
		}
	}
}

// TestEnvExample: every variable of the compose file without a default of its
// own is in .env.example, empty and with words on how to make it.
func TestEnvExample(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(string(read(t, ".env.example"))), "\n")
	listed := map[string]bool{}
	explained := false
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "#"):
			explained = true
		case line == "":
			explained = false
		default:
			name, value, ok := strings.Cut(line, "=")
			if !ok || value != "" {
				t.Errorf(".env.example:%d: want NAME= and no value, got %q", i+1, line)
			}
			if !explained {
				t.Errorf(".env.example:%d: %s is not explained", i+1, name)
			}
			listed[name] = true
		}
	}
	for _, v := range variable.FindAllStringSubmatch(string(read(t, "docker-compose.yml")), -1) {
		if v[1] != "PRASSI_VERSION" && !listed[v[1]] {
			t.Errorf("docker-compose.yml uses %s, which .env.example does not list", v[1])
		}
	}
	if ignored := string(read(t, ".gitignore")); !regexp.MustCompile(`(?m)^/?\.env$`).MatchString(ignored) {
		t.Error(".gitignore lets .env be committed")
	}
}

func TestDockerfileRunsUnprivileged(t *testing.T) {
	lines := strings.Split(string(read(t, "Dockerfile")), "\n")
	last := func(instruction string) (value string) {
		for _, line := range lines {
			if rest, ok := strings.CutPrefix(line, instruction+" "); ok {
				value = rest
			}
		}
		return value
	}
	if user := last("USER"); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("USER %q is not a number of an unprivileged user", user)
	}
	if from := last("FROM"); from != "scratch" {
		t.Errorf("the image is built FROM %s, which brings more than Prassi", from)
	}
	if !strings.Contains(string(read(t, "Dockerfile")), "HEALTHCHECK") || last("ENTRYPOINT") != `["/prassi"]` {
		t.Error("the image has no health check or another entry point")
	}
	if ignored := string(read(t, ".dockerignore")); !strings.Contains(ignored, "\n.env\n") || !strings.Contains(ignored, "\n.git\n") {
		t.Error(".dockerignore lets .env or .git into the image's build")
	}
}
