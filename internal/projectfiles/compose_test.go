package projectfiles

import (
	"os"
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

// variable is one substitution: ${NAME}, ${NAME:-default} or ${NAME:?reason}.
var variable = regexp.MustCompile(`\$\{([A-Z_]+)(?:(:?[-?])([^}]*))?\}`)

func TestComposeHasNoDefaultSecrets(t *testing.T) {
	c := readCompose(t)
	secret := regexp.MustCompile(`PASSWORD|SECRET|_KEY$|TOKEN`)
	found := 0
	for name, s := range c.Services {
		for key, value := range s.Environment {
			for _, v := range variable.FindAllStringSubmatch(value, -1) {
				if required := v[2] == ":?" && v[3] != ""; secret.MatchString(v[1]) && !required && !(v[2] == ":-" && v[3] == "") {
					t.Errorf("%s: %s: %s has a default or may be missing without a word", name, key, v[1])
				}
			}
			if !secret.MatchString(key) {
				continue
			}
			found++
			if rest := variable.ReplaceAllString(value, ""); rest != "" {
				t.Errorf("%s: %s has a value in the file", name, key)
			}
		}
		if s.Environment["PRASSI_STORE"] != "" {
			found++
			if !regexp.MustCompile(`^mongodb://prassi:\$\{MONGO_PRASSI_PASSWORD:\?[^}]+\}@`).MatchString(s.Environment["PRASSI_STORE"]) {
				t.Errorf("%s: PRASSI_STORE does not take its password from .env", name)
			}
		}
	}
	if found < 5 {
		t.Fatalf("only %d secrets were looked at", found)
	}
	for _, name := range []string{"MONGO_ROOT_PASSWORD", "MONGO_PRASSI_PASSWORD", "MEILI_MASTER_KEY"} {
		if !strings.Contains(string(read(t, "docker-compose.yml")), "${"+name+":?") {
			t.Errorf("%s may be empty", name)
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
