package schemas

// Locale is a language that content may be written in.
type Locale struct {
	// Tag is canonical BCP 47.
	Tag string `yaml:"tag" json:"tag"`
	// Name is what speakers call it.
	Name string `yaml:"name" json:"name"`
	// Dir is ltr or rtl.
	Dir string `yaml:"dir" json:"dir"`
	// Aliases are tags that mean the same here, such as zh for zh-Hans.
	Aliases []string `yaml:"aliases" json:"aliases,omitempty"`
}
