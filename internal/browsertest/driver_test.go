package browsertest_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// order is what a scenario is told.
type order struct {
	ID          string                       `json:"id"`       // comes back with the report
	Scenario    string                       `json:"scenario"` // name of the script
	Port        string                       `json:"port"`     // of the server, for programs
	Proxy       string                       `json:"proxy"`    // by which browsers reach the server, whatever the host
	Certificate string                       `json:"certificate"`
	Control     string                       `json:"control"`
	Screenshots string                       `json:"screenshots"` // folder, or ""
	Texts       map[string]map[string]string `json:"texts"`       // by language and key
	Password    string                       `json:"password"`    // of everybody
	Visitor     visitor                      `json:"visitor"`
	Facts       map[string]string            `json:"facts"` // what the scenario must know besides
}

// visitor is how somebody comes to the pages.
type visitor struct {
	Language   string `json:"language"`
	JavaScript bool   `json:"javaScript"`
	Hands      string `json:"hands"` // on the "mouse" or the "keyboard"
	Looks      []int  `json:"looks"` // which combinations of colour scheme and width are looked at; see visitor.mjs
}

// report is what a scenario found.
type report struct {
	ID     string
	Error  string // of the script itself
	Checks []struct {
		Name         string
		Milliseconds int
		Faults       []string
	}
	States []string // of pages that were looked at closely
	Audits int      // by axe-core
}

// patience is how long a scenario may take, on a machine that has other things to do.
const patience = 20 * time.Minute

// drive has a scenario played, and reports each of its checks as a test. There must be as many as the caller knows of.
func (d *driver) drive(t *testing.T, s *site, o order, checks int) report {
	t.Helper()
	o.ID, o.Port, o.Proxy, o.Control = t.Name(), s.port(), s.proxy, s.control
	o.Certificate, o.Password, o.Texts = s.cert.pem(), secret, catalogue(t)
	if o.Visitor.Language == "" {
		o.Visitor = visitor{Language: "en", JavaScript: true, Hands: "mouse"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found, err := d.play(ctx, o)
	if err != nil {
		t.Fatalf("%s: %v", o.Scenario, err)
	}
	if found.Error != "" {
		t.Errorf("%s: %s", o.Scenario, found.Error)
	}
	for _, check := range found.Checks {
		t.Run(check.Name, func(t *testing.T) {
			t.Logf("%d ms", check.Milliseconds)
			for _, fault := range check.Faults {
				t.Error(fault)
			}
		})
	}
	if len(found.Checks) != checks {
		t.Errorf("%s made %d checks, not %d", o.Scenario, len(found.Checks), checks)
	}
	return found
}

// play sends an order to the process and waits for its report.
func (d *driver) play(ctx context.Context, o order) (report, error) {
	line, err := json.Marshal(o)
	if err != nil {
		return report{}, err
	}
	answer := make(chan report, 1)
	d.mu.Lock()
	d.waiting[o.ID] = answer
	_, err = d.orders.Write(append(line, '\n'))
	d.mu.Unlock()
	if err != nil {
		return report{}, err
	}
	select {
	case found := <-answer:
		return found, nil
	case <-d.ended:
		return report{}, d.failure
	case <-ctx.Done():
		return report{}, ctx.Err()
	}
}

// listen hands out the reports, until the process ends.
func (d *driver) listen(reports *json.Decoder) error {
	for {
		var found report
		if err := reports.Decode(&found); err != nil {
			return err
		}
		d.mu.Lock()
		answer := d.waiting[found.ID]
		delete(d.waiting, found.ID)
		d.mu.Unlock()
		if answer != nil {
			answer <- found
		}
	}
}

// catalogue reads the texts of the pages, by which the scripts recognise a page in either language.
func catalogue(t *testing.T) map[string]map[string]string {
	t.Helper()
	texts := map[string]map[string]string{}
	for _, language := range []string{"en", "de"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "webauth", "pages", "texts", language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		if err := json.Unmarshal(data, &all); err != nil {
			t.Fatal(err)
		}
		texts[language] = all
	}
	return texts
}
